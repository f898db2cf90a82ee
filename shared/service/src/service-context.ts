import type { Log, Tracer } from '@fairway/telemetry';

/** One setting that a service takes from its environment. */
export type Setting = { readonly name: string; readonly meaning: string; readonly standard?: string };

/** One argument that a service takes. */
export type Flag = { readonly name: `--${string}`; readonly meaning: string };

/** What a service is started with. */
export type ServiceContext = {
  readonly log: Log;
  readonly tracer: Tracer;
  /** The setting's value, or its standard; throws `SettingMissing` where it has neither. */
  readonly setting: (name: string) => string;
  /** Whether the argument was given. */
  readonly flag: (name: string) => boolean;
};
