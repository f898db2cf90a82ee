import type { Chance, SimulatedClock } from '@fairway/bus';

/** Simulated time and chance, as the parts of the world wait by them. */
export class Latency {
  readonly clock: SimulatedClock;
  readonly chance: Chance;

  constructor(clock: SimulatedClock, chance: Chance) {
    this.clock = clock;
    this.chance = chance;
  }

  between(minMs: number, maxMs: number): number {
    return minMs + this.chance.upTo(maxMs - minMs);
  }

  /** Does it some time later, in these bounds. */
  after(minMs: number, maxMs: number, work: () => void): void {
    this.clock.after(this.between(minMs, maxMs), work);
  }

  pass(minMs: number, maxMs: number): Promise<void> {
    return new Promise((resolve) => this.after(minMs, maxMs, resolve));
  }
}
