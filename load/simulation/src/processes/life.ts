import type { Clock } from '@fairway/bus';
import type { Clock as WatcherClock } from '@fairway/watcher';

/** When a process is to die: once it has had so many more effects, with the last of them done or not. */
export type Doom = { readonly effects: number; readonly done: boolean };

/** What a process did last takes no longer to take effect. */
const lastMsMax = 10_000;

/** Nothing that a dead process waits for comes. One promise for all would keep all that ever waited for it. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/**
 * One process from its start to its end. All that it does to the world, and all that the world tells it, passes here, so
 * that it can end between any two effects: from then on its timers do not ring, its questions have no answer, and nothing
 * more that it asks for happens.
 */
export class Life {
  readonly #clock: Clock;
  readonly #onDeath: ((last: Promise<unknown>) => void)[] = [];
  #alive = true;
  #doom: { effects: number; readonly done: boolean } | undefined;
  /** Its clock: the wall's time as its machine believes it, and its own timers. */
  readonly clock: Clock & WatcherClock;

  /** `wallMs` is added to simulated time for the wall clock, `bootMs` is when its machine was started. */
  constructor(clock: Clock, wallMs: number, bootMs: number) {
    this.#clock = clock;
    this.clock = {
      nowMs: () => wallMs + Math.floor(clock.nowMs()),
      tickUs: () => Math.floor((clock.nowMs() - bootMs) * 1000),
      after: (delayMs, work) => clock.after(delayMs, this.hears(work)),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Whether what it has begun still takes effect: it lives, or died with its last effect under way. */
  get reaches(): boolean {
    return this.#alive || (this.#doom?.done ?? false);
  }

  /** Called at its end, with what of it is still under way. */
  onDeath(work: (last: Promise<unknown>) => void): void {
    this.#onDeath.push(work);
  }

  doom({ effects, done }: Doom): void {
    this.#doom = { effects, done };
  }

  /** It goes on living. */
  pardon(): void {
    this.#doom = undefined;
  }

  die(last: Promise<unknown> = Promise.resolve()): void {
    if (!this.#alive) return;
    this.#alive = false;
    // It may wait for what comes to it no more.
    const ended = Promise.race([
      last,
      new Promise((resolve) => this.#clock.after(lastMsMax, () => resolve(undefined))),
    ]);
    for (const work of this.#onDeath) work(ended);
  }

  /** Something that the process does and waits for. */
  async effect<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#alive) return never();
    if (this.#isDue()) {
      const last = this.#doom?.done ? work().catch(() => {}) : undefined;
      this.die(last);
      return never();
    }
    try {
      const result = await work();
      return this.#alive ? result : never();
    } catch (error) {
      if (this.#alive) throw error;
      return never();
    }
  }

  /** Something that the process does without an answer. */
  act(work: () => void): void {
    if (!this.#alive) return;
    const due = this.#isDue();
    if (!due || this.#doom?.done) work();
    if (due) this.die();
  }

  /** Something that the world tells the process. */
  hears<Told extends unknown[]>(work: (...told: Told) => void): (...told: Told) => void {
    return (...told) => {
      if (this.#alive) work(...told);
    };
  }

  /** Does something in the process later than now, in simulated time. */
  after(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(delayMs, this.hears(resolve)));
  }

  #isDue(): boolean {
    if (!this.#doom) return false;
    this.#doom.effects -= 1;
    return this.#doom.effects < 0;
  }
}
