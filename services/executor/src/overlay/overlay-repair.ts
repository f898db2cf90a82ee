import type { Clock } from '@fairway/bus';
import type { Network } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import type { Kernel } from '../kernel/kernel.ts';
import type { Way } from '../kernel/overlay.ts';
import { LostWays, type Others } from './lost-ways.ts';
import type { Overlay, Places } from './node-places.ts';
import { type Look, WrongWays } from './wrong-ways.ts';

type Options = {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether it is asked for, and the mesh is a current one: by an older one ways would lead to what is long gone. */
  readonly isDue: () => boolean;
  /** Where the others are, by the ways of all networks: as they were looked at last, and as they are now. */
  readonly places: { readonly seen: () => Places; readonly now: () => Promise<Places> };
};

/** Of addresses so many are named. */
const namedMax = 10;

/** Has Docker's part of one overlay network have the ways to the nodes that are there, where Docker lost them or they are wrong. */
export class OverlayRepair {
  readonly #network: Network;
  readonly #options: Options;
  readonly #lost: LostWays;
  readonly #wrong = new WrongWays();
  /** Undefined where they are not of a current mesh. */
  #others: Others | undefined;
  #stopped = false;
  #ways: ReadonlyMap<string, Way> | undefined;

  constructor(network: Network, options: Options) {
    this.#network = network;
    this.#options = options;
    this.#lost = new LostWays(network.ingress);
  }

  /** Whether there are ways of Fairway's, as far as is known. */
  get hasOwn(): boolean {
    return this.#lost.hasOwn;
  }

  /** As it was looked at last. */
  get overlay(): Overlay {
    return { nodes: this.#others?.tasks ?? new Map(), ways: this.#ways };
  }

  /** Takes what the mesh has of the others; undefined where it is not a current one. */
  know(others: Others | undefined): void {
    this.#others = others;
  }

  /**
   * Puts ways back that Docker lost, sets those that stay wrong, and takes those away that were put and are wanted no more;
   * whether it put or set any.
   * @param missing the addresses of tasks that serve and were looked for in vain
   */
  async repair(missing: ReadonlySet<string>): Promise<boolean> {
    const { kernel, log, isDue, places } = this.#options;
    const network = this.#network;
    // Encrypted ones take keys as well, which Docker takes away with them.
    if (!isDue() || network.encrypted) return false;
    try {
      const ways = await kernel.ways(network);
      this.#ways = ways;
      if (!ways || !this.#others || !isDue() || this.#stopped) return false;
      const look = { ways, missing, others: this.#others, places: places.seen() };
      const hasPut = await this.#putLost(look);
      return (await this.#setWrong(look)) || hasPut;
    } catch (error) {
      log.warn('the ways of an overlay could not be put right', { network: network.name, reason: describe(error) });
      return false;
    }
  }

  async #putLost({ ways, others, places }: Look & { readonly others: Others }): Promise<boolean> {
    const { kernel, clock, log } = this.#options;
    const { name } = this.#network;
    const { put, drop: unwanted, nodes } = this.#lost.look(ways, others, clock.nowMs());
    // One that was set right stays, though this network alone says that its node is elsewhere.
    const drop = new Map([...unwanted].filter((one) => !leadsRight(one, others, places)));
    if (drop.size > 0) {
      await kernel.dropWays(this.#network, drop);
      log.info('ways that were put back are wanted no more; they are taken away', { network: name, ...named(drop) });
    }
    if (put.size === 0) return false;
    await kernel.putWays(this.#network, put);
    const said = { network: name, nodes: [...nodes], ...named(put) };
    log.warn('Docker took ways away from an overlay to nodes that are there; they are put back', said);
    return true;
  }

  async #setWrong(look: Look): Promise<boolean> {
    const { kernel, clock, log, isDue, places } = this.#options;
    const wrong = this.#wrong.look(look, clock.nowMs());
    if (wrong.size === 0) return false;
    // Some networks were looked at a while ago, and a node may be elsewhere since.
    const now = await places.now();
    const set = new Map([...wrong].filter((one) => leadsRight(one, look.others, now)));
    if (set.size === 0 || !isDue() || this.#stopped) return false;
    await kernel.setWays(this.#network, set);
    const said = { network: this.#network.name, ...named(set) };
    log.warn('ways of an overlay did not lead to the tasks that they are for; they are set', said);
    return true;
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** Whether a way leads to where the node of its task is. */
function leadsRight([address, way]: readonly [string, Way], { tasks }: Pick<Others, 'tasks'>, places: Places): boolean {
  return places.get(tasks.get(address) ?? '') === way.node;
}

/** What is told of addresses. */
export function named(addresses: { keys(): Iterable<string>; readonly size: number }) {
  return { addresses: [...addresses.keys()].slice(0, namedMax), count: addresses.size };
}
