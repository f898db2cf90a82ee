import type { Clock } from '@fairway/bus';

/** What is heard is said again each second; what has not been said for so long is over. */
export const overMs = 5_000;

/** What was said in the last seconds, the last word of each. */
export class Recently<Said> {
  readonly #clock: Clock;
  readonly #heard = new Map<string, { readonly said: Said; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hear(by: string, said: Said): void {
    this.#heard.set(by, { said, atMs: this.#clock.nowMs() });
  }

  get now(): ReadonlyMap<string, Said> {
    for (const [by, { atMs }] of this.#heard) if (this.#clock.nowMs() - atMs > overMs) this.#heard.delete(by);
    return new Map([...this.#heard].map(([by, { said }]) => [by, said]));
  }
}
