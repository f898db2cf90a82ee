import type { Clock } from '@fairway/bus';
import { addressOn, type Mesh, type Network, stateHere, type WatchedFacts } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import type { Kernel } from './kernel/kernel.ts';

type Options = {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  /** Another look is due: what was not reached may be by now. */
  readonly onDue: () => void;
};

/** What is not reached is looked for again after this time, and each time after twice as long. */
const lookMinMs = 20;
const lookMaxMs = 10_000;

/**
 * Which tasks of other nodes this node's overlays have a way to. A network is looked at when there is a task on it that
 * was not found yet, and again while one is missing; what was found once counts for as long as the task is there.
 */
export class OverlayReach {
  readonly #options: Options;
  /** By network, the addresses found, each with the task that had it. */
  readonly #found = new Map<string, Map<string, string>>();
  #pauseMs = lookMinMs;
  #cancel = () => {};

  constructor(options: Options) {
    this.#options = options;
  }

  /** Looks for what the mesh has and was not found yet, on the networks given. */
  async look(
    mesh: Mesh,
    own: WatchedFacts,
    networks: readonly Network[],
  ): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    this.#cancel();
    const wanted = tasksElsewhere(
      mesh,
      own,
      networks.map(({ id }) => id),
    );
    const missing = await Promise.all(
      networks.map((network) => this.#lookAt(network, wanted.get(network.id) ?? new Map())),
    );
    for (const network of this.#found.keys()) if (!wanted.has(network)) this.#found.delete(network);
    if (missing.includes(true)) {
      this.#cancel = this.#options.clock.after(this.#pauseMs, this.#options.onDue);
      this.#pauseMs = Math.min(this.#pauseMs * 2, lookMaxMs);
    } else this.#pauseMs = lookMinMs;
    return new Map([...this.#found].map(([network, addresses]) => [network, new Set(addresses.keys())]));
  }

  stop(): void {
    this.#cancel();
  }

  /** Whether something is missing after it. */
  async #lookAt(network: Network, wanted: ReadonlyMap<string, string>): Promise<boolean> {
    const before = this.#found.get(network.id);
    const found = new Map([...wanted].filter(([address, task]) => before?.get(address) === task));
    this.#found.set(network.id, found);
    if (found.size === wanted.size) return false;
    const reached = await this.#reached(network);
    for (const [address, task] of wanted) if (!reached || reached.has(address)) found.set(address, task);
    return found.size < wanted.size;
  }

  /** Undefined where it cannot be told: nothing is kept from being used for that. */
  async #reached(network: Network): Promise<ReadonlySet<string> | undefined> {
    try {
      return await this.#options.kernel.reached(network);
    } catch (error) {
      const reason = describe(error);
      this.#options.log.warn('the overlay could not be looked at; its tasks are taken for reached', {
        network: network.name,
        reason,
      });
      return undefined;
    }
  }
}

/** By network, the addresses of tasks on other nodes that may be sent to, each with its task. */
function tasksElsewhere(mesh: Mesh, own: WatchedFacts, networks: readonly string[]): Map<string, Map<string, string>> {
  const wanted = new Map(networks.map((network) => [network, new Map<string, string>()]));
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (endpoint.node === own.node) continue;
      const state = stateHere(endpoint, mesh, own);
      if (state !== 'serving' && state !== 'draining') continue;
      for (const [network, addresses] of wanted) {
        const address = addressOn(endpoint, network);
        if (address) addresses.set(address.text, endpoint.task);
      }
    }
  }
  return wanted;
}
