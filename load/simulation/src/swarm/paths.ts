import type { Address } from '@fairway/mesh';
import type { Latency } from './latency.ts';
import type { Machine } from './machine.ts';

/** The ingress network between the machines' sandboxes, by which one tries whether it reaches another. */
export class Paths {
  readonly #machines: readonly Machine[];
  readonly #latency: Latency;

  constructor(machines: readonly Machine[], latency: Latency) {
    this.#machines = machines;
    this.#latency = latency;
    machines.forEach((machine, n) => {
      machine.docker.address = { family: 'ip', text: `10.0.255.${n + 1}` };
    });
  }

  /** Whether the machine has an answer from the sandbox at the address, and not before it may be given up. */
  async answers(from: Machine, { text }: Address): Promise<boolean> {
    await this.#latency.pass(1, 5);
    const to = this.#machines.find(({ docker }) => docker.address?.text === text);
    if (to && isOnNetwork(to) && isOnNetwork(from) && !from.unreached.has(to)) return true;
    await this.#latency.pass(120, 120);
    return false;
  }
}

/** One that does not reach the managers reaches nobody. A sandbox answers for as long as its dockerd has not ended. */
function isOnNetwork({ powered, linked, daemon }: Machine): boolean {
  return powered && linked && daemon;
}
