import type { Address } from '@fairway/mesh';

/**
 * The addresses of one network. The lowest free one is given, so that an address which was freed is another task's soon:
 * what would take hours on a swarm happens within seconds here.
 */
export class Addresses {
  /** The number of its subnet: 1 for 10.0.1.0/24. */
  readonly subnet: number;
  readonly #taken = new Set<number>();

  constructor(subnet: number) {
    this.subnet = subnet;
  }

  take(): Address {
    let last = 2;
    while (this.#taken.has(last)) last += 1;
    this.#taken.add(last);
    return { family: 'ip', text: `10.0.${this.subnet}.${last}` };
  }

  free({ text }: Address): void {
    this.#taken.delete(numberOf(text));
  }

  /** From now on just these are taken: a swarm that was restored has the addresses of then. */
  reset(taken: readonly Address[]): void {
    this.#taken.clear();
    for (const { text } of taken) this.#taken.add(numberOf(text));
  }
}

function numberOf(text: string): number {
  return Number(text.slice(text.lastIndexOf('.') + 1));
}
