import type { ServiceContext, Setting } from './run-service.ts';

/** Settings that several services take. */
const natsSetting: Setting = {
  name: 'FAIRWAY_NATS',
  meaning: 'NATS servers, separated by commas',
  standard: 'nats://127.0.0.1:4222',
};

const credentialsSetting: Setting = {
  name: 'FAIRWAY_NATS_CREDENTIALS',
  meaning: 'file that proves who connects, made by fairway credentials; without it the servers have to take everybody',
};

/** What every service that is on the bus takes. */
export const busSettings = [natsSetting, credentialsSetting] as const;

/** Where the bus is, and who connects to it. */
export function busAddress({ setting, optional }: Pick<ServiceContext, 'setting' | 'optional'>): {
  readonly servers: readonly string[];
  readonly credentials?: string;
} {
  const credentials = optional(credentialsSetting.name);
  return { servers: setting(natsSetting.name).split(','), ...(credentials === undefined ? {} : { credentials }) };
}

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
