import { type Clock, every } from '@fairway/bus';
import { type Fact, objectOf } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import type { Oddity, OnOdd } from './oddity.ts';

/** How often is told how many there were, where there were more. */
const tellEveryMs = 60_000;

/** Counts what is odd, and names the first of each kind: a network that doubles messages is nothing to be told of each time. */
export class Oddities {
  readonly #log: Log;
  readonly #counts = new Map<Oddity, number>();
  readonly #told = new Map<Oddity, number>();
  readonly #end: () => void;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#end = every(clock, tellEveryMs, () => this.#tell());
  }

  readonly count: OnOdd = (oddity, fact) => {
    const before = this.#counts.get(oddity) ?? 0;
    this.#counts.set(oddity, before + 1);
    if (before > 0) return;
    this.#told.set(oddity, 1);
    this.#log.info('a fact changes nothing; from now on those like it are counted', {
      why: oddity,
      ...namesOf(fact),
    });
  };

  end(): void {
    this.#end();
  }

  #tell(): void {
    for (const [oddity, count] of this.#counts) {
      if (this.#told.get(oddity) === count) continue;
      this.#told.set(oddity, count);
      this.#log.info('facts changed nothing', { why: oddity, count });
    }
  }
}

function namesOf(fact: Fact): Record<string, string> {
  if (fact.kind !== 'container') return { kind: fact.kind, of: objectOf(fact) };
  const { kind, node, service, task, state } = fact;
  return { kind, node, service, task, state };
}
