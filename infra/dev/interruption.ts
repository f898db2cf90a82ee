import { constants } from 'node:os';

/** A signal asked for the end. */
export class Interrupted extends Error {
  readonly status: number;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.name = 'Interrupted';
    this.status = 128 + constants.signals[signal];
  }
}

/** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. Further ones change nothing: taking down takes a second. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort(new Interrupted(signal)));
  }
  // A terminal that was closed takes its streams along; what was started must be ended all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return controller.signal;
}
