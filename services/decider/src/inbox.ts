import type { Clock } from '@fairway/bus';

type Options<Item> = {
  /** How long a key rests after it was handled: what comes meanwhile is gathered. */
  readonly gatherMs: number;
  /** Decides what was gathered. It must not throw: whatever fails is its own to answer. */
  readonly handle: (key: string, items: readonly Item[]) => Promise<void>;
  readonly clock: Clock;
};

/**
 * Gathers what arrives for one entry, so that facts that come in a burst make few writes, and so that a key is decided
 * by one handler at a time. The first after a rest waits for nothing: most changes are one fact that others follow
 * much later.
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
    if (waiting) waiting.push(item);
    else this.#waiting.set(key, [item]);
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    queueMicrotask(() => void this.#run(key));
  }

  async #run(key: string): Promise<void> {
    const { clock, gatherMs, handle } = this.#options;
    const items = this.#waiting.get(key);
    if (!items) {
      this.#busy.delete(key);
      return;
    }
    this.#waiting.delete(key);
    await handle(key, items);
    clock.after(gatherMs, () => void this.#run(key));
  }
}
