import { flushCompileCache } from 'node:module';
import { createLog, describe, startTracing } from '@fairway/telemetry';
import type { Flag, ServiceContext, Setting } from './service-context.ts';
import { tracesSetting } from './settings.ts';

/** A setting without a standard is not in the environment. */
export class SettingMissing extends Error {
  readonly setting: string;
  constructor(setting: string, meaning: string) {
    super(`SettingMissing: set ${setting} (${meaning})`);
    this.setting = setting;
  }
}

/** A service that has not stopped by then is ended: whatever it leaves undone, its next start does. */
const stopMaxMs = 5_000;

/**
 * Runs a service as the process's main: `--help`, settings from the environment, a start, and a clean stop on SIGTERM
 * or SIGINT. `start` returns what stops it. Exit status 1 when it cannot start, 2 for arguments that it does not take.
 */
export async function runService(
  name: string,
  purpose: string,
  settings: readonly Setting[],
  start: (context: ServiceContext) => Promise<() => Promise<void>>,
  flags: readonly Flag[] = [],
): Promise<void> {
  const given = process.argv.slice(2);
  if (given.includes('--help') || given.includes('-h')) {
    process.stdout.write(usage(name, purpose, settings, flags));
    return;
  }
  const unknown = given.find((argument) => !flags.some((flag) => flag.name === argument));
  if (unknown !== undefined) {
    process.stderr.write(`${name}: unknown argument ${unknown}\n\n${usage(name, purpose, settings, flags)}`);
    process.exitCode = 2;
    return;
  }

  const log = createLog(name);
  const tracing = await startTracing(name, log);
  const setting = (wanted: string) => {
    const known = settings.find((held) => held.name === wanted);
    // Empty is not given, as where a deployment's own variable is not set.
    const value = process.env[wanted] || known?.standard;
    if (value === undefined) throw new SettingMissing(wanted, known?.meaning ?? 'unknown setting');
    return value;
  };

  let stop: (() => Promise<void>) | undefined;
  let stopping = false;
  const end = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info('stopping', { signal });
    setTimeout(() => process.exit(1), stopMaxMs).unref();
    Promise.resolve(stop?.())
      .finally(tracing.stop)
      .then(
        () => process.exit(0),
        (error) => {
          log.error('could not stop cleanly', { reason: describe(error) });
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);

  try {
    stop = await start({ log, tracer: tracing.tracer, setting, flag: (wanted) => given.includes(wanted) });
    // Node writes what it compiled when it ends in order, which a killed one never does. Nothing without NODE_COMPILE_CACHE.
    flushCompileCache();
  } catch (error) {
    log.error('cannot start', { reason: describe(error) });
    process.exit(1);
  }
}

function usage(name: string, purpose: string, own: readonly Setting[], flags: readonly Flag[]): string {
  const settings = [...own, tracesSetting];
  const width = Math.max(...settings.map((held) => held.name.length));
  const lines = settings.map(
    ({ name: setting, meaning, standard }) =>
      `  ${setting.padEnd(width)}  ${meaning}${standard === undefined ? '' : ` [${standard}]`}`,
  );
  const taken = flags.map((flag) => `  ${flag.name}  ${flag.meaning}\n`).join('');
  const options = taken === '' ? '' : `\nOptions:\n${taken}`;
  return `${name}: ${purpose}\n\nSettings, from the environment:\n${lines.join('\n')}\n${options}`;
}
