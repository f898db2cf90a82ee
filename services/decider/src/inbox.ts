/**
 * Gathers what arrives for one entry, so that facts that come within a few milliseconds make one write, and so that
 * an key is decided by one handler at a time.
 */
export class Inbox<Item> {
  readonly #handle: (key: string, items: readonly Item[]) => Promise<void>;
  readonly #gatherMs: number;
  readonly #waiting = new Map<string, Item[]>();
  readonly #busy = new Set<string>();

  /** `handle` must not throw: whatever fails is its own to answer. */
  constructor(gatherMs: number, handle: (key: string, items: readonly Item[]) => Promise<void>) {
    this.#gatherMs = gatherMs;
    this.#handle = handle;
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
    this.#busy.add(key);
    setTimeout(() => void this.#run(key), this.#gatherMs);
  }

  async #run(key: string): Promise<void> {
    const items = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    await this.#handle(key, items);
    this.#busy.delete(key);
    if (this.#waiting.has(key)) this.#schedule(key);
  }
}
