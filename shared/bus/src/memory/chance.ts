/** A source of chance that gives the same for the same seed. */
export type Chance = {
  /** Below 1, from 0. */
  next(): number;
  /** True so often: 0 never, 1 always. */
  happens(probability: number): boolean;
  /** From 0 to `limit`, both included. */
  upTo(limit: number): number;
  pick<T>(list: readonly T[]): T | undefined;
};

/** splitmix32: one 32-bit word of state, every seed as good as another. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
  return {
    next,
    happens: (probability) => probability > 0 && next() < probability,
    upTo: (limit) => Math.floor(next() * (limit + 1)),
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}
