import type { Setting } from './run-service.ts';

/** Settings that several services take. */
export const natsSetting: Setting = {
  name: 'FAIRWAY_NATS',
  meaning: 'NATS servers, separated by commas',
  standard: 'nats://127.0.0.1:4222',
};

/** Read by `runService`, for every service. */
export const tracesSetting: Setting = {
  name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  meaning: 'where traces are sent, OTLP over HTTP: http://collector:4318; none are recorded without it',
};

/** Read by the log itself. */
export const logSetting: Setting = {
  name: 'FAIRWAY_LOG',
  meaning: 'least level logged: debug, info, warn, error',
  standard: 'info',
};
