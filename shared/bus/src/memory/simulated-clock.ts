import type { Clock } from './clock.ts';

type Alarm = { readonly atMs: number; readonly work: () => void };

/** Time that passes only when it is told to, as fast as the machine can. */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  /** In the order in which they are due; those due at once in the order in which they were set. */
  readonly #alarms: Alarm[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, work: () => void): () => void {
    const alarm = { atMs: this.#nowMs + Math.max(delayMs, 0), work };
    const later = this.#alarms.findIndex(({ atMs }) => atMs > alarm.atMs);
    this.#alarms.splice(later < 0 ? this.#alarms.length : later, 0, alarm);
    return () => {
      const at = this.#alarms.indexOf(alarm);
      if (at >= 0) this.#alarms.splice(at, 1);
    };
  }

  /** Lets time pass until the promise is settled, and then so much longer. Throws where nothing more is to happen. */
  async settle<T>(promise: Promise<T>, thenMs = 0): Promise<T> {
    let settled = false;
    const end = () => {
      settled = true;
    };
    promise.then(end, end);
    await quiet();
    while (!settled) {
      if (!(await this.#step(Number.POSITIVE_INFINITY))) throw new Error('nothing is left to happen, and it waits');
    }
    const untilMs = this.#nowMs + thenMs;
    while (await this.#step(untilMs));
    if (thenMs > 0) this.#nowMs = untilMs;
    return promise;
  }

  async #step(untilMs: number): Promise<boolean> {
    const next = this.#alarms[0];
    if (!next || next.atMs > untilMs) return false;
    this.#alarms.shift();
    this.#nowMs = next.atMs;
    next.work();
    await quiet();
    return true;
  }
}

/** Everything that promises set going has run once the event loop comes round. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
