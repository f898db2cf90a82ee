/** So many kinds of refusals are told apart; a broken sender must not fill the memory. */
const kindsMax = 1000;

/** Counts what servers refuse, and says when it is to be told: at 1, 2, 4, 8 ... of a kind, so that a flood is a line. */
export class Refusals {
  readonly #counts = new Map<string, number>();

  /** How many there have been on this subject, where that is to be told now. */
  count(operation: string, subject: string): number | undefined {
    const kind = `${operation} ${subject}`;
    const key = this.#counts.has(kind) || this.#counts.size < kindsMax ? kind : 'others';
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return Number.isInteger(Math.log2(count)) ? count : undefined;
  }
}
