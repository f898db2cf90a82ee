import type { Clock } from './clock.ts';

/** A clock that stands still until it is moved: the stand-in for `systemClock`. */
export class ManualClock implements Clock {
  #nowUs: number;
  readonly #timers = new Set<{ atUs: number; call: () => void }>();

  constructor(startMs = 1_000_000) {
    this.#nowUs = startMs * 1000;
  }

  nowMs(): number {
    return Math.floor(this.#nowUs / 1000);
  }

  tickUs(): number {
    return this.#nowUs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atUs: this.#nowUs + delayMs * 1000, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, a millisecond at a time, until something is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = () => {
      done = true;
    };
    work.then(end, end);
    while (!done) await this.advance(1);
    return work;
  }

  /** Moves on, calling each timer in its turn and letting what it started go on before the next one. */
  async advance(byMs: number): Promise<void> {
    const endUs = this.#nowUs + byMs * 1000;
    for (;;) {
      await settle();
      const next = [...this.#timers].filter(({ atUs }) => atUs <= endUs).sort((a, b) => a.atUs - b.atUs)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.call();
    }
    this.#nowUs = endUs;
    await settle();
  }
}

/** Lets everything go on that waits for no timer and no other process. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
