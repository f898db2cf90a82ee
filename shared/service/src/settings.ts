import type { ServiceContext, Setting } from './service-context.ts';

/** Settings that several services take. */
const natsSetting: Setting = {
  name: 'FAIRWAY_NATS',
  meaning: 'NATS servers, separated by commas',
  standard: 'nats://127.0.0.1:4222',
};

/** Nobody is to be without by mistake: whoever reaches servers that take everybody may rewrite every node's rules. */
const noCredentials = 'none';

const credentialsSetting: Setting = {
  name: 'FAIRWAY_NATS_CREDENTIALS',
  meaning: `file that proves who connects, made by fairway credentials; "${noCredentials}" for servers that take everybody`,
};

const timeoutSetting: Setting = {
  name: 'FAIRWAY_NATS_TIMEOUT_MS',
  meaning:
    'how long an answer of the bus is waited for before it is asked again, milliseconds; more where it is far away',
  standard: '3000',
};

const timeoutMsMin = 100;
const timeoutMsMax = 60_000;

/** FAIRWAY_NATS_TIMEOUT_MS is not what it has to be. */
export class BusTimeoutInvalid extends Error {
  readonly given: string;
  constructor(given: string) {
    super(
      `BusTimeoutInvalid: ${timeoutSetting.name} is ${given}; it has to be milliseconds, from ${timeoutMsMin} to ${timeoutMsMax}`,
    );
    this.given = given;
  }
}

/** What every service that is on the bus takes. */
export const busSettings = [natsSetting, credentialsSetting, timeoutSetting] as const;

/** Where the bus is, who connects to it, and how patiently. @throws {SettingMissing, BusTimeoutInvalid} */
export function busAddress({ setting }: Pick<ServiceContext, 'setting'>): {
  readonly servers: readonly string[];
  readonly credentials?: string;
  readonly timeoutMs: number;
} {
  const credentials = setting(credentialsSetting.name);
  const servers = setting(natsSetting.name).split(',');
  const timeout = setting(timeoutSetting.name);
  const timeoutMs = Number(timeout);
  if (!Number.isInteger(timeoutMs) || timeoutMs < timeoutMsMin || timeoutMs > timeoutMsMax)
    throw new BusTimeoutInvalid(timeout);
  return { servers, timeoutMs, ...(credentials === noCredentials ? {} : { credentials }) };
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
