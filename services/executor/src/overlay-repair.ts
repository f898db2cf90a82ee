import type { Clock } from '@fairway/bus';
import type { Network } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import type { Kernel } from './kernel/kernel.ts';
import { LostWays, type Others } from './lost-ways.ts';

type Options = {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether it is asked for, and the mesh is a current one: by an older one ways would lead to what is long gone. */
  readonly isDue: () => boolean;
};

/** Of addresses so many are named. */
const namedMax = 10;

/** Has Docker's part of one overlay network have the ways to the nodes that are there, where Docker lost them. */
export class OverlayRepair {
  readonly #network: Network;
  readonly #options: Options;
  readonly #lost: LostWays;
  /** Undefined where they are not of a current mesh. */
  #others: Others | undefined;
  #stopped = false;

  constructor(network: Network, options: Options) {
    this.#network = network;
    this.#options = options;
    this.#lost = new LostWays(network.ingress);
  }

  /** Whether there are ways of Fairway's, as far as is known. */
  get hasOwn(): boolean {
    return this.#lost.hasOwn;
  }

  /** Takes what the mesh has of the others; undefined where it is not a current one. */
  know(others: Others | undefined): void {
    this.#others = others;
  }

  /** Puts ways back that Docker lost, and takes those away that were put back and are wanted no more; whether it put any. */
  async repair(): Promise<boolean> {
    const { kernel, clock, log, isDue } = this.#options;
    const network = this.#network;
    const { name } = network;
    // Encrypted ones take keys as well, which Docker takes away with them.
    if (!isDue() || network.encrypted) return false;
    try {
      const ways = await kernel.ways(network);
      if (!ways || !this.#others || !isDue() || this.#stopped) return false;
      const { put, drop, nodes } = this.#lost.look(ways, this.#others, clock.nowMs());
      if (drop.size > 0) {
        await kernel.dropWays(network, drop);
        log.info('ways that were put back are wanted no more; they are taken away', { network: name, ...named(drop) });
      }
      if (put.size === 0) return false;
      await kernel.putWays(network, put);
      const said = { network: name, nodes: [...nodes], ...named(put) };
      log.warn('Docker took ways away from an overlay to nodes that are there; they are put back', said);
      return true;
    } catch (error) {
      log.warn('the ways of an overlay could not be put right', { network: name, reason: describe(error) });
      return false;
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** What is told of addresses. */
export function named(addresses: { keys(): Iterable<string>; readonly size: number }) {
  return { addresses: [...addresses.keys()].slice(0, namedMax), count: addresses.size };
}
