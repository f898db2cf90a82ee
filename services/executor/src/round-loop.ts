import type { Clock } from '@fairway/bus';

/** What came of a round: some of it may go on by itself, and is due again then. */
export type RoundResult = 'brought' | 'waiting' | 'failed';

type Options = {
  readonly clock: Clock;
  /** Whether there is anything yet that a round could be of. */
  readonly isReady: () => boolean;
  /** Never fails otherwise than by its result. */
  readonly round: () => Promise<RoundResult>;
};

/** After a failure it tries again after this time, twice as long each time. */
const retryMinMs = 100;
const retryMaxMs = 5_000;

/** Runs rounds, one at a time: what is wanted while one runs is in the next one. One that fails is tried again ever later. */
export class RoundLoop {
  readonly #options: Options;
  #wanted = false;
  #running: Promise<void> | undefined;
  #retryMs = retryMinMs;
  #cancelRetry: (() => void) | undefined;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** After how long a round that fails now is tried again, milliseconds. */
  get retryMs(): number {
    return this.#retryMs;
  }

  /** Whether one that failed is to be tried again. */
  get isRetrying(): boolean {
    return this.#cancelRetry !== undefined;
  }

  /** A round is wanted: now, or after the one that runs. */
  wake(): void {
    this.#wanted = true;
    if (this.#stopped || this.#running || !this.#options.isReady()) return;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // What came after the last round had looked, and found it running.
      if (this.#wanted) this.wake();
    });
  }

  /** Ends with the round that runs, if one does, and those that follow it at once. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** No further round begins. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      const result = await this.#options.round();
      if (result === 'brought') this.#retryMs = retryMinMs;
      if (result !== 'failed') continue;
      this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => this.wake());
      this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
      return;
    }
  }
}
