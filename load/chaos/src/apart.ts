import type { Notes } from './notes.ts';

/**
 * Who is apart from somebody for a while though neither was cut off: a node that comes back may have Docker's gossip take
 * others for lost as well, and their ways to each other away. Known by looks, from the last one that did not find it so.
 */
export class Apart {
  readonly #notes: Notes;
  /** Fairway knows of a way that is there again after so long, milliseconds. */
  readonly #seenMs: number;
  /** By address, the absence of who is apart now. */
  readonly #held = new Map<string, { toMs: number }>();
  #lookedMs: number;

  constructor(notes: Notes, seenMs: number, nowMs: number) {
    this.#notes = notes;
    this.#seenMs = seenMs;
    this.#lookedMs = nowMs;
  }

  /** A look that was begun at a time, milliseconds since 1970, found these addresses apart from some other, and no more. */
  found(addresses: ReadonlySet<string>, atMs: number): void {
    for (const address of addresses) {
      if (this.#held.has(address)) continue;
      const absence = { address, fromMs: this.#lookedMs, toMs: Number.POSITIVE_INFINITY };
      this.#held.set(address, absence);
      this.#notes.addAbsence(absence);
    }
    for (const [address, absence] of this.#held) {
      if (addresses.has(address)) continue;
      absence.toMs = atMs + this.#seenMs;
      this.#held.delete(address);
    }
    this.#lookedMs = atMs;
  }
}
