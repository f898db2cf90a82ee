import type { NodeBus } from '@fairway/bus';
import { describe, type Log } from '@fairway/telemetry';
import { backoffMs, type Clock } from './clock.ts';

type Options = {
  readonly bus: NodeBus;
  readonly clock: Clock;
  readonly log: Log;
  /** The mesh bucket has this epoch; called only when it is another one than before. */
  readonly onEpoch: (epoch: string) => void;
  /** There is no bucket: nothing can be published until a decider has made one. */
  readonly onNone: () => void;
};

/** Knows the mesh bucket's epoch as long as there is one, and asks with backoff while there is none. */
export class EpochWatch {
  readonly #options: Options;
  #epoch: string | undefined;
  #asking = false;
  #again = false;
  #attempts = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The epoch that is published in; undefined while there is none. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Asks the bus, now or after the question that is under way. */
  check(): void {
    if (this.#stopped || this.#cancel) return;
    if (this.#asking) this.#again = true;
    else void this.#ask();
  }

  /** As `check`, without waiting for the rest of a pause: the bus has just been found again. */
  checkNow(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#attempts = 0;
    this.check();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async #ask(): Promise<void> {
    const { bus, log, onEpoch, onNone } = this.#options;
    this.#asking = true;
    try {
      const epoch = await bus.epoch();
      if (this.#stopped) return;
      if (epoch === undefined) {
        if (this.#epoch !== undefined || this.#attempts === 0) {
          log.info('The bus has no mesh bucket yet; waiting for a decider to make it');
        }
        this.#epoch = undefined;
        onNone();
        this.#retry();
      } else {
        this.#attempts = 0;
        if (epoch !== this.#epoch) {
          this.#epoch = epoch;
          onEpoch(epoch);
        }
      }
    } catch (error) {
      if (this.#stopped) return;
      if (this.#attempts === 0) log.warn('The bus does not answer; waiting', { why: describe(error) });
      this.#retry();
    } finally {
      this.#asking = false;
      if (this.#again) {
        this.#again = false;
        this.check();
      }
    }
  }

  #retry(): void {
    this.#cancel = this.#options.clock.after(backoffMs(this.#attempts++), () => {
      this.#cancel = undefined;
      this.check();
    });
  }
}
