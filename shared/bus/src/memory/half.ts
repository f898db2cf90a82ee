/**
 * One direction of a connection. While it is shut the connection seems to be there, and what is under way waits for it to
 * open, as TCP keeps sending what nobody has confirmed.
 */
export class Half {
  #waiting: (() => void)[] | undefined;

  get isShut(): boolean {
    return this.#waiting !== undefined;
  }

  shut(): void {
    this.#waiting ??= [];
  }

  /** What waited arrives now, in its order. */
  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const arrive of waiting) arrive();
  }

  /** The connection ended: what waited never arrives. */
  forget(): void {
    this.#waiting = undefined;
  }

  pass(arrive: () => void): void {
    if (this.#waiting) this.#waiting.push(arrive);
    else arrive();
  }
}
