import { backoffMs, type Clock } from './clock.ts';

type Options<Wish> = {
  readonly clock: Clock;
  /** Does what is wished. When it throws, it is done again after a while, unless `onFailure` answers false. */
  readonly work: (wish: Wish) => Promise<void>;
  /** One wish for two. */
  readonly merge: (held: Wish, added: Wish) => Wish;
  readonly onFailure: (error: unknown, wish: Wish) => boolean;
};

/**
 * Does one thing at a time and remembers one further wish, merged from all that came meanwhile: however often it is
 * asked, at most one is under way and one waits.
 */
export class Coalescer<Wish> {
  readonly #options: Options<Wish>;
  #waiting: { wish: Wish } | undefined;
  #working = false;
  #stopped = false;
  #failures = 0;
  #cancel: (() => void) | undefined;

  constructor(options: Options<Wish>) {
    this.#options = options;
  }

  /** Whether nothing is under way and nothing waits. */
  get idle(): boolean {
    return !this.#working && !this.#waiting;
  }

  ask(wish: Wish): void {
    if (this.#stopped) return;
    this.#waiting = { wish: this.#waiting ? this.#options.merge(this.#waiting.wish, wish) : wish };
    if (!this.#working && !this.#cancel) void this.#go();
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting = undefined;
    this.#cancel?.();
  }

  async #go(): Promise<void> {
    this.#working = true;
    while (this.#waiting) {
      const { wish } = this.#waiting;
      this.#waiting = undefined;
      try {
        await this.#options.work(wish);
        this.#failures = 0;
      } catch (error) {
        if (this.#stopped || !this.#options.onFailure(error, wish)) continue;
        this.#retry(wish);
        break;
      }
    }
    this.#working = false;
  }

  #retry(wish: Wish): void {
    const held: { wish: Wish } | undefined = this.#waiting;
    this.#waiting = { wish: held ? this.#options.merge(wish, held.wish) : wish };
    this.#cancel = this.#options.clock.after(backoffMs(this.#failures++), () => {
      this.#cancel = undefined;
      void this.#go();
    });
  }
}
