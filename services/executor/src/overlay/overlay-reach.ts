import { type Clock, every } from '@fairway/bus';
import { isThere, type KernelFacts, type Mesh, type Network, sandboxOf, type WatchedFacts } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import pLimit, { type LimitFunction } from 'p-limit';
import { fileOf, type Kernel, type Sandbox } from '../kernel/kernel.ts';
import { FirstAnswers } from './first-answers.ts';
import type { Others } from './lost-ways.ts';
import { NetworkReach, type Tasks } from './network-reach.ts';
import { type Overlay, type Places, placesOf } from './node-places.ts';
import { named, OverlayRepair } from './overlay-repair.ts';
import { nodesByAddress, tasksElsewhere } from './tasks-elsewhere.ts';
import { type Asked, type Settled, WaysBack } from './ways-back.ts';

type Options = {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether ways that Docker's gossip took away with a node that is there are put back, now: by a mesh that is no older one. */
  readonly repairs: () => boolean;
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

/**
 * One network is looked at again so often, each in its turn: 10 ms of work. A change of Docker's gossip about a node is one on
 * all networks, so one that has lost a way has all looked at.
 */
const againEveryMs = 10_000;
/** The same for a minute after a node came or went or was in a new life, or a way was lost: that is when gossip errs. */
const restlessEveryMs = 1_000;
const restlessForMs = 60_000;
/**
 * Looks take no more of the time than one part in so many: on a machine where each takes long they are fewer. How long one
 * takes is the least of the network's last few: where containers start one takes a second or two, and that is when ways
 * are lost.
 */
const restPerLook = 20;
const looksHeld = 3;

const saidOf: Readonly<Record<Settled, string>> = {
  answers: 'a node answers on an overlay; its tasks are sent to',
  silent: 'a node does not answer any more on an overlay; its tasks are not sent to until it does',
  mute: 'a node has never answered an echo on an overlay; its tasks are sent to all the same',
};

/** So many nodes are asked at a time; one that answers takes 15 ms. */
const askedMax = 4;

const nobody: Tasks = new Map();

/** One network as it was looked at last; and how long its last few looks for what may be lost took, milliseconds. */
type Looked = {
  readonly network: Network;
  readonly reach: NetworkReach;
  readonly back: WaysBack;
  readonly first: FirstAnswers;
  readonly repair: OverlayRepair;
  tookMs: readonly number[];
};

/**
 * Which tasks of other nodes this node's overlays have a way to, and one back. A network is looked at when there is a task
 * on it that was not found yet, and again while one is missing; and now and then for ways that Docker took away: it does
 * where its gossip takes a node for lost, and puts them back seconds after the node is heard again (seen with 20.10).
 *
 * Looks are taken by short processes: one that stayed in Docker's namespace to listen would keep its VXLAN device alive
 * when Docker wants to make it anew.
 */
export class OverlayReach {
  readonly #options: Options;
  readonly #networks = new Map<string, Looked>();
  /** By task that is on its way, when it was first heard of. */
  #heardMs = new Map<string, number>();
  #coming: ReadonlyMap<string, Tasks> = new Map();
  /** The files of sandboxes that were made anew since the last look. */
  readonly #replaced = new Set<string>();
  #stopped = false;
  #cancel = () => {};
  #cancelAhead: (() => void) | undefined;
  readonly #endLooks: () => void;
  #lookedAgainMs = 0;
  /** No other of these looks sooner than that after it. */
  #restMs = 0;
  #restlessUntilMs = 0;
  #erringUntilMs = 0;
  /** The other nodes that were there at the last look, and their lives. */
  #met: string | undefined;
  #isLookingAgain = false;
  /** Whether this node is down on record. */
  #isDown = false;
  readonly #asking: LimitFunction = pLimit(askedMax);
  /** Thousands may be new at once: what a node does is not to wait for them. */
  readonly #askingTasks: LimitFunction = pLimit(askedMax);

  constructor(options: Options) {
    this.#options = options;
    this.#endLooks = every(options.clock, restlessEveryMs, () => void this.#lookAgain());
  }

  /**
   * The addresses that are reached on each network that has one of these sandboxes, by their files, and those of them that are
   * doubted; looks for those that were not found yet. Ingress is planned for before its sandbox was heard of, too, as after a
   * start: all are taken for reached then, or its tasks would go from a kernel that has them.
   */
  async look(
    mesh: Mesh,
    own: WatchedFacts,
    sandboxes: ReadonlySet<string>,
  ): Promise<Pick<Required<KernelFacts>, 'reach' | 'doubted'>> {
    this.#cancel();
    if (this.#stopped) return { reach: new Map(), doubted: new Map() };
    const { clock, onDue } = this.#options;
    const isDown = mesh.reach.get(own.node)?.state === 'down';
    if (isDown !== this.#isDown) this.#err();
    this.#isDown = isDown;
    const present = [...mesh.networks.values()].filter(({ removedMs }) => removedMs === undefined);
    const networks = present.filter((network) => sandboxes.has(sandboxOf(network)));
    const unheard = present.filter((network) => network.ingress && !networks.includes(network));
    const ids = networks.map(({ id }) => id);
    const { serving, coming, nodes } = tasksElsewhere(mesh, own, [...ids, ...unheard.map(({ id }) => id)]);
    this.#hearOf(coming);
    for (const id of this.#networks.keys()) if (!ids.includes(id)) this.#drop(id);
    for (const network of networks) if (this.#replaced.delete(sandboxOf(network))) this.#drop(network.id);
    const met = this.#meet(mesh, own);
    const living = this.#options.repairs() ? nodesByAddress(mesh) : undefined;
    const doubted = new Map<string, ReadonlySet<string>>();
    const reached = await Promise.all(
      networks.map(async (network) => {
        const wanted = serving.get(network.id) ?? nobody;
        // What a network's first look finds was there before.
        const doubts = this.#isErring && this.#networks.has(network.id);
        const looked = this.#lookedAt(network);
        const { reach, back, first, repair } = looked;
        repair.know(living && { ...met, tasks: living.get(network.id) ?? nobody });
        reach.keepOnly(wanted, this.#coming.get(network.id) ?? nobody);
        first.keepOnly(reach.found);
        const addresses = await this.#lookFor(looked, wanted, doubts);
        const behind = nodes.get(network.id) ?? nobody;
        const areAll = mesh.complete && !reach.isAssuming;
        if (back.expect(nodesToAsk(reach.found, behind, mesh), areAll)) this.#beRestless();
        if (mesh.complete) back.keepOnly(mesh.nodes);
        const nodeOf = (address: string) => behind.get(address) ?? '';
        const answers = (address: string) => !reach.found.has(address) || back.has(nodeOf(address));
        doubted.set(network.id, new Set([...first.addresses].filter((address) => !back.isMute(nodeOf(address)))));
        return [network.id, new Set([...addresses].filter(answers))] as const;
      }),
    );
    const due = [...this.#networks.values()].flatMap(({ reach }) => reach.dueMs ?? []);
    if (due.length > 0) this.#cancel = clock.after(Math.max(1, Math.min(...due) - clock.nowMs()), onDue);
    this.#lookAhead(networks);
    const assumed = unheard.map(({ id }) => [id, new Set(serving.get(id)?.keys())] as const);
    return { reach: new Map([...reached, ...assumed]), doubted };
  }

  /** A sandbox was made anew, and with it Docker's part of its network: what was found in it says nothing any more. */
  forget(sandbox: Sandbox): void {
    this.#replaced.add(fileOf(sandbox));
  }

  /** Nobody is sent to from here any more, until the next look. */
  clear(): void {
    for (const id of this.#networks.keys()) this.#drop(id);
    this.#cancel();
  }

  stop(): void {
    this.#stopped = true;
    this.#endLooks();
    this.clear();
    this.#cancelAhead?.();
    this.#coming = new Map();
  }

  #lookedAt(network: Network): Looked {
    const known = this.#networks.get(network.id);
    if (known) return known;
    const { kernel, clock, log, onDue, repairs } = this.#options;
    const onChange = (node: string, state: Settled) => {
      log[state === 'silent' ? 'warn' : 'info'](saidOf[state], { node, network: network.name });
      this.#err();
      onDue();
      // What its Docker lost on one network it lost on all.
      if (state === 'silent') for (const other of this.#networks.values()) void other.back.ask(node);
    };
    const askNode = (address: string) => this.#asking(() => kernel.nodeAnswers(network, address));
    const askTask = (address: string) => this.#askingTasks(() => kernel.answers(network, address));
    const back = new WaysBack({ clock, ask: askNode, onChange });
    const first = new FirstAnswers({ clock, ask: askTask, onSure: onDue });
    const places = { seen: () => placesOf(this.#overlays), now: () => this.#placesNow() };
    const repair = new OverlayRepair(network, { kernel, clock, log, isDue: repairs, places });
    const looked = { network, reach: new NetworkReach(), back, first, repair, tookMs: [0] };
    this.#networks.set(network.id, looked);
    return looked;
  }

  get #overlays(): readonly Overlay[] {
    return [...this.#networks.values()].map(({ repair: { overlay } }) => overlay);
  }

  async #placesNow(): Promise<Places> {
    const looks = [...this.#networks.values()].map(async ({ network, repair: { overlay } }) => ({
      ...overlay,
      ways: await this.#options.kernel.ways(network),
    }));
    return placesOf(await Promise.all(looks));
  }

  #drop(id: string): void {
    const looked = this.#networks.get(id);
    looked?.back.stop();
    looked?.first.stop();
    looked?.repair.stop();
    this.#networks.delete(id);
  }

  /** Of tasks that are first found while gossip errs it is not sure that answers come back from them. */
  #find({ reach, first }: Looked, tasks: Tasks, reached: ReadonlySet<string>, doubts = this.#isErring): void {
    const found = reach.find(tasks, reached);
    if (doubts) first.doubt(found);
  }

  /** Looks at the network whose turn it is for what was found in it and what was not, and at all where that has changed. */
  async #lookAgain(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const wantedMs = this.#isRestless ? restlessEveryMs : againEveryMs;
    if (this.#isLookingAgain || nowMs - this.#lookedAgainMs < Math.max(wantedMs, this.#restMs)) return;
    // Where nothing was found, nothing is missing and nothing was put back there is nothing to look for.
    const [next, ...others] = [...this.#networks.values()].filter(
      ({ reach, repair }) => reach.found.size > 0 || reach.dueMs !== undefined || repair.hasOwn,
    );
    if (!next) return;
    this.#lookedAgainMs = nowMs;
    this.#networks.delete(next.network.id);
    this.#networks.set(next.network.id, next);
    void next.back.askOldest(this.#isRestless ? askedMax : 1);
    this.#isLookingAgain = true;
    const hasChanged = await this.#hasChanged(next);
    if (hasChanged !== undefined) {
      next.tookMs = [...next.tookMs, this.#options.clock.nowMs() - nowMs].slice(-looksHeld);
      this.#restMs = restPerLook * Math.min(...next.tookMs);
    }
    if (hasChanged) {
      this.#err();
      await Promise.all(others.map((other) => this.#hasChanged(other)));
      this.#options.onDue();
    }
    this.#isLookingAgain = false;
  }

  get #isRestless(): boolean {
    return this.#options.clock.nowMs() < this.#restlessUntilMs;
  }

  #beRestless(): void {
    this.#restlessUntilMs = this.#options.clock.nowMs() + restlessForMs;
  }

  /** Whether gossip may have taken a node for lost, here or elsewhere. */
  get #isErring(): boolean {
    return this.#options.clock.nowMs() < this.#erringUntilMs;
  }

  #err(): void {
    this.#beRestless();
    this.#erringUntilMs = this.#restlessUntilMs;
  }

  /** The lives of the other nodes in the swarm, and which of them are there: where that changes gossip errs. */
  #meet(mesh: Mesh, own: WatchedFacts): Pick<Others, 'lives' | 'there'> {
    const others = [...mesh.nodes].filter(([node, { removedMs }]) => node !== own.node && removedMs === undefined);
    const lives = new Map(others.map(([node, { incarnation }]) => [node, incarnation]));
    const there = new Set([...lives.keys()].filter((node) => isThere(node, mesh, own)));
    const said = JSON.stringify([...there].map((node) => [node, lives.get(node)]));
    if (this.#met !== undefined && this.#met !== said) this.#err();
    this.#met = said;
    return { lives, there };
  }

  /** Whether a way was lost, or one is there that was missing; undefined where it could not be looked at. */
  async #hasChanged(looked: Looked): Promise<boolean | undefined> {
    const { network, reach } = looked;
    const isRepaired = await looked.repair.repair(new Set(reach.missing.keys()));
    const [found, missing] = [new Map(reach.found), reach.missing];
    const { kernel, log } = this.#options;
    // What fails says nothing; what is looked for anew tells of it.
    const reached = await kernel.reached(network, [...found.keys(), ...missing.keys()]).catch(() => undefined);
    if (reached === undefined) return isRepaired || undefined;
    // An address may be another task's by now, and the way one to the node of the one before.
    const still = reach.missing;
    this.#find(looked, new Map([...missing].filter(([address, task]) => still.get(address) === task)), reached);
    const lost = reach.keepReached(found, reached);
    if (lost.length === 0) return isRepaired || reach.missing.size < still.size;
    log.warn('Docker took ways away from an overlay; the tasks there are not sent to until it has some again', {
      network: network.name,
      ...named(new Set(lost)),
    });
    return true;
  }

  /** The addresses that are reached after it. */
  async #lookFor(looked: Looked, wanted: Tasks, doubts: boolean): Promise<ReadonlySet<string>> {
    const { network, reach } = looked;
    const { kernel, clock, log } = this.#options;
    if (!reach.isDue(wanted, clock.nowMs())) return reach.addresses;
    try {
      this.#find(looked, wanted, await kernel.reached(network, [...wanted.keys()]), doubts);
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
    const looked = this.#networks.get(network.id);
    if (looked) this.#find(looked, coming, reached);
  }

  /** The networks on which a task is on its way that is young and not found. */
  #ahead(networks: readonly Network[]): readonly Network[] {
    const bornMs = this.#options.clock.nowMs() - aheadForMs;
    return networks.filter(({ id }) =>
      [...(this.#coming.get(id) ?? [])].some(
        ([address, task]) =>
          !this.#networks.get(id)?.reach.has(address, task) && (this.#heardMs.get(task) ?? 0) > bornMs,
      ),
    );
  }
}

/** The nodes that have one of these addresses, each with the first of them and its life. */
function nodesToAsk(found: Tasks, behind: ReadonlyMap<string, string>, mesh: Mesh): ReadonlyMap<string, Asked> {
  const asked = new Map<string, Asked>();
  for (const address of found.keys()) {
    const node = behind.get(address);
    if (node === undefined || asked.has(node)) continue;
    asked.set(node, { life: mesh.nodes.get(node)?.incarnation, address });
  }
  return asked;
}
