import type { Clock } from '@fairway/bus';
import type { Mesh, Network, WatchedFacts } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import type { Kernel } from './kernel/kernel.ts';
import { type Tasks, tasksElsewhere } from './tasks-elsewhere.ts';

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
 * Docker tells the other nodes of a task's address some 100 ms before its container starts, and a look takes 10 ms: so
 * it is taken while the task still starts, this often and for this long after the task was first heard of. Whoever
 * starts more slowly is looked for when it serves.
 */
const aheadEveryMs = 150;
const aheadForMs = 1_500;

/**
 * Which tasks of other nodes this node's overlays have a way to. A network is looked at when there is a task on it that
 * was not found yet, and again while one is missing; what was found once counts for as long as the task is there.
 *
 * Looks are taken by short processes: one that stayed in Docker's namespace to listen would keep its VXLAN device alive
 * when Docker wants to make it anew.
 */
export class OverlayReach {
  readonly #options: Options;
  /** By network, the addresses found, each with the task that had it. */
  readonly #found = new Map<string, Map<string, string>>();
  #pauseMs = lookMinMs;
  #cancel = () => {};
  /** By task that is on its way, when it was first heard of. */
  #heardMs = new Map<string, number>();
  #coming: Tasks = new Map();
  #cancelAhead: (() => void) | undefined;

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
    const ids = networks.map(({ id }) => id);
    const serving = tasksElsewhere(mesh, own, ids, ['serving', 'draining']);
    this.#hearOf(tasksElsewhere(mesh, own, ids, ['waiting', 'starting']));
    this.#keepOnly(ids, serving, this.#coming);
    const complete = await Promise.all(networks.map((network) => this.#lookFor(network, serving)));
    if (complete.includes(false)) {
      this.#cancel = this.#options.clock.after(this.#pauseMs, this.#options.onDue);
      this.#pauseMs = Math.min(this.#pauseMs * 2, lookMaxMs);
    } else this.#pauseMs = lookMinMs;
    this.#lookAhead(networks);
    return new Map([...this.#found].map(([network, addresses]) => [network, new Set(addresses.keys())]));
  }

  stop(): void {
    this.#cancel();
    this.#cancelAhead?.();
    this.#coming = new Map();
  }

  /** Whether all of them on this network are found after it. */
  async #lookFor(network: Network, tasks: Tasks): Promise<boolean> {
    const wanted = [...(tasks.get(network.id) ?? [])];
    const isFound = ([address, task]: readonly [string, string]) => this.#found.get(network.id)?.get(address) === task;
    if (wanted.every(isFound)) return true;
    const reached = await this.#reached(
      network,
      wanted.map(([address]) => address),
    );
    for (const [address, task] of wanted) if (reached.has(address)) this.#found.get(network.id)?.set(address, task);
    return wanted.every(isFound);
  }

  #hearOf(coming: Tasks): void {
    const before = this.#heardMs;
    const now = this.#options.clock.nowMs();
    const tasks = [...coming.values()].flatMap((addresses) => [...addresses.values()]);
    this.#coming = coming;
    this.#heardMs = new Map(tasks.map((task) => [task, before.get(task) ?? now]));
  }

  /** Forgets what was found of tasks that are there no longer. */
  #keepOnly(networks: readonly string[], ...there: readonly Tasks[]): void {
    for (const network of this.#found.keys()) if (!networks.includes(network)) this.#found.delete(network);
    for (const network of networks) {
      const before = this.#found.get(network) ?? [];
      const isThere = ([address, task]: readonly [string, string]) =>
        there.some((tasks) => tasks.get(network)?.get(address) === task);
      this.#found.set(network, new Map([...before].filter(isThere)));
    }
  }

  /** Looks for the tasks on their way that are young and not found, after a while, and again while there are any. */
  #lookAhead(networks: readonly Network[]): void {
    if (this.#cancelAhead || this.#ahead(networks).length === 0) return;
    this.#cancelAhead = this.#options.clock.after(aheadEveryMs, async () => {
      await Promise.all(this.#ahead(networks).map((network) => this.#lookFor(network, this.#coming)));
      this.#cancelAhead = undefined;
      this.#lookAhead(networks);
    });
  }

  /** The networks on which a task is on its way that is young and not found. */
  #ahead(networks: readonly Network[]): readonly Network[] {
    const bornMs = this.#options.clock.nowMs() - aheadForMs;
    return networks.filter(({ id }) =>
      [...(this.#coming.get(id) ?? [])].some(
        ([address, task]) => this.#found.get(id)?.get(address) !== task && (this.#heardMs.get(task) ?? 0) > bornMs,
      ),
    );
  }

  /** All where it cannot be told: nothing is kept from being used for that. */
  async #reached(network: Network, addresses: readonly string[]): Promise<ReadonlySet<string>> {
    try {
      return await this.#options.kernel.reached(network, addresses);
    } catch (error) {
      const reason = describe(error);
      this.#options.log.warn('the overlay could not be looked at; its tasks are taken for reached', {
        network: network.name,
        reason,
      });
      return new Set(addresses);
    }
  }
}
