import type { Clock } from '@fairway/bus';

type Options<Item> = {
  /** How long is gathered, from the first item on. */
  readonly gatherMs: number;
  /** Decides what was gathered. It must not throw: whatever fails is its own to answer. */
  readonly handle: (key: string, items: readonly Item[]) => Promise<void>;
  readonly clock: Clock;
};

/**
 * Gathers what arrives for one entry, so that facts that come within a few milliseconds make one write, and so that
 * a key is decided by one handler at a time.
 */
export class Inbox<Item> {
  readonly #options: Options<Item>;
  readonly #waiting = new Map<string, Item[]>();
  readonly #busy = new Set<string>();

  constructor(options: Options<Item>) {
    this.#options = options;
  }

  add(key: string, item: Item): void {
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.push(item);
      return;
    }
    this.#waiting.set(key, [item]);
    if (!this.#busy.has(key)) this.#schedule(key);
  }

  #schedule(key: string): void {
    const { clock, gatherMs } = this.#options;
    this.#busy.add(key);
    clock.after(gatherMs, () => void this.#run(key));
  }

  async #run(key: string): Promise<void> {
    const items = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    await this.#options.handle(key, items);
    this.#busy.delete(key);
    if (this.#waiting.has(key)) this.#schedule(key);
  }
}
