import type { Setting } from './run-service.ts';

/** Settings that several services take. */
export const natsSetting: Setting = {
  name: 'FAIRWAY_NATS',
  meaning: 'NATS servers, separated by commas',
  standard: 'nats://127.0.0.1:4222',
};

/** Read by the log itself. */
export const logSetting: Setting = {
  name: 'FAIRWAY_LOG',
  meaning: 'least level logged: debug, info, warn, error',
  standard: 'info',
};
