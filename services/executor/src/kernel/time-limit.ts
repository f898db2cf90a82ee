/** So long after a command was killed the others may take longer. */
const longerForMs = 5 * 60_000;

/**
 * How long a command may take before it is killed, ms. Where a machine is slow for a while, what is killed is tried again,
 * adds to the load, and is killed again: so after each that was killed the next ones have twice its time, up to
 * `mostMs`. Once none was killed for five minutes it is `leastMs` again.
 */
export class TimeLimit {
  readonly #leastMs: number;
  readonly #mostMs: number;
  readonly #nowMs: () => number;
  #longerMs = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(leastMs: number, mostMs = 8 * leastMs, nowMs: () => number = () => performance.now()) {
    this.#leastMs = leastMs;
    this.#mostMs = mostMs;
    this.#nowMs = nowMs;
  }

  get ms(): number {
    return this.#nowMs() < this.#untilMs ? this.#longerMs : this.#leastMs;
  }

  /** One that had so long was killed. Of several that were killed at once only the longest counts. */
  killed(limitMs: number): void {
    this.#longerMs = Math.min(Math.max(this.ms, 2 * limitMs), this.#mostMs);
    this.#untilMs = this.#nowMs() + longerForMs;
  }
}
