/**
 * What waits for its turn: each sender's in its own line, and the lines one after the other, so that a long one delays
 * nobody else's.
 */
export class FairQueue<Item> {
  readonly #lines = new Map<string, Item[]>();

  add(sender: string, item: Item): void {
    const line = this.#lines.get(sender);
    if (line) line.push(item);
    else this.#lines.set(sender, [item]);
  }

  /** Takes the first of the line whose turn it is, which then is the last. */
  next(): Item | undefined {
    for (const [sender, line] of this.#lines) {
      const item = line.shift();
      this.#lines.delete(sender);
      if (line.length > 0) this.#lines.set(sender, line);
      return item;
    }
    return undefined;
  }
}
