import { type Log, newTrace } from '@fairway/telemetry';
import type { Drift } from './held-rules.ts';

/** Tells what others did, and that it is right again. It is an event as any other: it begins a trace, which its repair is a part of. */
export class DriftReport {
  readonly #log: Log;
  readonly #tell: (drift: Drift, trace: string) => void;
  readonly #traces = new Map<Drift['namespace'], string>();

  /** @param tell called with each, and its traceparent */
  constructor(log: Log, tell: (drift: Drift, trace: string) => void) {
    this.#log = log;
    this.#tell = tell;
  }

  told(drift: Drift): void {
    const { kind, namespace, found } = drift;
    if (kind === 'drifted')
      this.#log.warn('others changed what Fairway has here; putting it right', { namespace, found });
    else this.#log.info('what others changed is right again', { namespace, found });
    const trace = (kind === 'repaired' && this.#traces.get(namespace)) || newTrace();
    this.#traces.set(namespace, trace);
    this.#tell(drift, trace);
  }
}
