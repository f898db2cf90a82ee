/** Times in which what is known may be older than what is true. Those that overlap are one. */
export class Unrest {
  #sinceMs = 0;
  #untilMs = 0;

  /** There is unrest now, at least until then. */
  until(nowMs: number, untilMs: number): void {
    if (nowMs > this.#untilMs) this.#sinceMs = nowMs;
    this.#untilMs = Math.max(this.#untilMs, untilMs);
  }

  /** When the present unrest began; now, where there is none. */
  sinceMs(nowMs: number): number {
    return nowMs > this.#untilMs ? nowMs : this.#sinceMs;
  }

  /** When the last unrest ended; it may not have ended yet. */
  get endMs(): number {
    return this.#untilMs;
  }
}
