import type { Clock } from '@fairway/bus';
import { type Mesh, type Network, sandboxOf, type WatchedFacts } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import { fileOf, type Kernel, type Sandbox } from './kernel/kernel.ts';
import { NetworkReach, type Tasks } from './network-reach.ts';
import { tasksElsewhere } from './tasks-elsewhere.ts';

type Options = {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  /** Another look is due: what was not reached may be by now. */
  readonly onDue: () => void;
};

/**
 * Docker tells the other nodes of a task's address about 250 ms before its container starts, and a look takes 10 ms: so
 * it is taken while the task still starts, this often and for this long after the task was first heard of. Whoever
 * starts more slowly is looked for when it serves.
 */
const aheadEveryMs = 150;
const aheadForMs = 1_500;

const nobody: Tasks = new Map();

/**
 * Which tasks of other nodes this node's overlays have a way to. A network is looked at when there is a task on it that
 * was not found yet, and again while one is missing.
 *
 * Looks are taken by short processes: one that stayed in Docker's namespace to listen would keep its VXLAN device alive
 * when Docker wants to make it anew.
 */
export class OverlayReach {
  readonly #options: Options;
  readonly #networks = new Map<string, NetworkReach>();
  /** By task that is on its way, when it was first heard of. */
  #heardMs = new Map<string, number>();
  #coming: ReadonlyMap<string, Tasks> = new Map();
  /** The files of sandboxes that were made anew since the last look. */
  readonly #replaced = new Set<string>();
  #cancel = () => {};
  #cancelAhead: (() => void) | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * The addresses that are reached on each network that has one of these sandboxes, by their files; looks for those that
   * were not found yet. Ingress is planned for before its sandbox was heard of, too, as after a start: all are taken for
   * reached then, or its tasks would go from a kernel that has them.
   */
  async look(
    mesh: Mesh,
    own: WatchedFacts,
    sandboxes: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    this.#cancel();
    const { clock, onDue } = this.#options;
    const present = [...mesh.networks.values()].filter(({ removedMs }) => removedMs === undefined);
    const networks = present.filter((network) => sandboxes.has(sandboxOf(network)));
    const unheard = present.filter((network) => network.ingress && !networks.includes(network));
    const ids = networks.map(({ id }) => id);
    const { serving, coming } = tasksElsewhere(mesh, own, [...ids, ...unheard.map(({ id }) => id)]);
    this.#hearOf(coming);
    for (const id of this.#networks.keys()) if (!ids.includes(id)) this.#networks.delete(id);
    for (const network of networks) if (this.#replaced.delete(sandboxOf(network))) this.#networks.delete(network.id);
    const reached = await Promise.all(
      networks.map(async (network) => {
        const wanted = serving.get(network.id) ?? nobody;
        const reach = this.#networks.get(network.id) ?? new NetworkReach();
        this.#networks.set(network.id, reach);
        reach.keepOnly(wanted, this.#coming.get(network.id) ?? nobody);
        return [network.id, await this.#lookFor(network, reach, wanted)] as const;
      }),
    );
    const due = [...this.#networks.values()].flatMap(({ dueMs }) => dueMs ?? []);
    if (due.length > 0) this.#cancel = clock.after(Math.max(1, Math.min(...due) - clock.nowMs()), onDue);
    this.#lookAhead(networks);
    const assumed = unheard.map(({ id }) => [id, new Set(serving.get(id)?.keys())] as const);
    return new Map([...reached, ...assumed]);
  }

  /** A sandbox was made anew, and with it Docker's part of its network: what was found in it says nothing any more. */
  forget(sandbox: Sandbox): void {
    this.#replaced.add(fileOf(sandbox));
  }

  stop(): void {
    this.#cancel();
    this.#cancelAhead?.();
    this.#coming = new Map();
  }

  /** The addresses that are reached after it. */
  async #lookFor(network: Network, reach: NetworkReach, wanted: Tasks): Promise<ReadonlySet<string>> {
    const { kernel, clock, log } = this.#options;
    if (!reach.isDue(wanted, clock.nowMs())) return reach.addresses;
    try {
      reach.found(wanted, await kernel.reached(network, [...wanted.keys()]));
      reach.assume(nobody);
    } catch (error) {
      reach.assume(wanted);
      log.warn('the overlay could not be looked at; its tasks are taken for reached', {
        network: network.name,
        reason: describe(error),
      });
    }
    reach.lookedFor(wanted, clock.nowMs());
    return reach.addresses;
  }

  #hearOf(coming: ReadonlyMap<string, Tasks>): void {
    const before = this.#heardMs;
    const now = this.#options.clock.nowMs();
    const tasks = [...coming.values()].flatMap((addresses) => [...addresses.values()]);
    this.#coming = coming;
    this.#heardMs = new Map(tasks.map((task) => [task, before.get(task) ?? now]));
  }

  /** Looks for the tasks on their way that are young and not found, after a while, and again while there are any. */
  #lookAhead(networks: readonly Network[]): void {
    if (this.#cancelAhead || this.#ahead(networks).length === 0) return;
    this.#cancelAhead = this.#options.clock.after(aheadEveryMs, async () => {
      await Promise.all(this.#ahead(networks).map((network) => this.#lookForComing(network)));
      this.#cancelAhead = undefined;
      this.#lookAhead(networks);
    });
  }

  /** What fails here is tried again, and told, when the task serves. */
  async #lookForComing(network: Network): Promise<void> {
    const coming = this.#coming.get(network.id) ?? nobody;
    const reached = await this.#options.kernel.reached(network, [...coming.keys()]).catch(() => new Set<string>());
    this.#networks.get(network.id)?.found(coming, reached);
  }

  /** The networks on which a task is on its way that is young and not found. */
  #ahead(networks: readonly Network[]): readonly Network[] {
    const bornMs = this.#options.clock.nowMs() - aheadForMs;
    return networks.filter(({ id }) =>
      [...(this.#coming.get(id) ?? [])].some(
        ([address, task]) => !this.#networks.get(id)?.has(address, task) && (this.#heardMs.get(task) ?? 0) > bornMs,
      ),
    );
  }
}
