import { type Incarnation, isSameLife, parseAddress } from '@fairway/mesh';
import { macOf, type Way } from '../kernel/overlay.ts';

/** Other nodes, and who has which address, as the mesh has them. */
export type Others = {
  /** All that are in the swarm, each with its life. */
  readonly lives: ReadonlyMap<string, Incarnation | undefined>;
  /** Those of them that are there. */
  readonly there: ReadonlySet<string>;
  /** The addresses of tasks that have not ended, this node's own among them, each with its node. */
  readonly tasks: ReadonlyMap<string, string>;
};

/** What is to be done to an overlay. */
export type Repair = {
  readonly put: ReadonlyMap<string, Way>;
  /** Ways of Fairway's that are no longer wanted. */
  readonly drop: ReadonlyMap<string, Way>;
  /** The nodes that ways are put back to. */
  readonly nodes: ReadonlySet<string>;
};

/** Where a node is on the network that carries the overlay, and in which life it was seen there. */
type Place = { readonly at: string; readonly life: Incarnation | undefined };

/** An address of a node that is no task's; and since when Docker has others of the node, and not this. */
type Sandbox = { readonly node: string; readonly leftOutMs?: number };

/**
 * Gossip exchanges all it has each 30 s with one other node (libnetwork networkdb/cluster.go): for so long after a node was
 * lost its new tasks are missing as well.
 */
const missingForMs = 90_000;
/** A node that has a place is elsewhere where so many of its tasks are: one may be at an address that was another node's. */
const votesToMove = 2;

/**
 * The ways of one overlay network that Docker's gossip took away with a node that is there. It takes all of a node's at
 * once where it takes the node for lost, and gives them back when the two exchange all they have. They are what they were
 * while the node's life is the same; those of tasks begun since follow from the node's place and the task's address.
 *
 * A way that is put is marked as Fairway's. Docker sets its own in the place of it, without the mark: what has none is never
 * touched, as Docker would not set it again.
 */
export class LostWays {
  readonly #isIngress: boolean;
  readonly #seen = new Map<string, Way>();
  readonly #places = new Map<string, Place>();
  /** By address. */
  readonly #sandboxes = new Map<string, Sandbox>();
  /** The places that there were ways to at the last look. */
  #before: ReadonlySet<string> | undefined;
  /** When a node was last found without any way. */
  readonly #lostMs = new Map<string, number>();
  #hasOwn = false;

  constructor(isIngress: boolean) {
    this.#isIngress = isIngress;
  }

  /** Whether there are ways of Fairway's, as far as is known. */
  get hasOwn(): boolean {
    return this.#hasOwn;
  }

  /** Tells what is to be done where a look found these ways. */
  look(ways: ReadonlyMap<string, Way>, others: Others, nowMs: number): Repair {
    const { there, tasks } = others;
    this.#learn(ways, others, nowMs);
    const nodeAt = this.#nodesByPlace();
    const present = new Set([...ways.values()].map(({ node }) => node));
    const repaired = new Set([...ways.values()].flatMap(({ isOwn, node }) => (isOwn ? [node] : [])));
    const wanted = this.#wanted(tasks);
    for (const [node, { at }] of this.#places)
      if (wanted.has(node) && !present.has(at) && (this.#before?.has(at) || this.#lostMs.has(node)))
        this.#lostMs.set(node, nowMs);
    this.#before = present;

    const isErring = (node: string, at: string) =>
      there.has(node) && (repaired.has(at) || nowMs - (this.#lostMs.get(node) ?? -missingForMs) < missingForMs);
    const put = new Map<string, Way>();
    const nodes = new Set<string>();
    const derive = this.#derivation();
    for (const [node, { at }] of this.#places) {
      if (!isErring(node, at)) continue;
      for (const address of wanted.get(node) ?? []) {
        const seen = this.#seen.get(address);
        const way = seen?.node === at ? seen : derive(address, at);
        if (!way || ways.has(address) || !isIpv4(address) || !isIpv4(at)) continue;
        put.set(address, { ...way, isOwn: true });
        nodes.add(node);
      }
    }
    const isWanted = (address: string, { node: at }: Way) => {
      const node = nodeAt.get(at);
      return node !== undefined && wanted.get(node)?.has(address) === true;
    };
    const drop = new Map([...ways].filter(([address, way]) => way.isOwn && !isWanted(address, way)));
    this.#hasOwn = put.size > 0 || repaired.size > 0;
    return { put, drop, nodes };
  }

  #learn(ways: ReadonlyMap<string, Way>, { lives, tasks }: Others, nowMs: number): void {
    for (const [node, { at, life }] of this.#places) {
      if (!lives.has(node) || !isSameLife(life, lives.get(node))) this.#forget(node);
      else if (life === undefined) this.#places.set(node, { at, life: lives.get(node) });
    }
    const votes = new Map<string, Map<string, number>>();
    for (const [address, way] of ways) {
      this.#seen.set(address, way);
      const node = tasks.get(address);
      if (!this.#says(way) || node === undefined || !lives.has(node)) continue;
      const places = votes.get(node) ?? new Map<string, number>();
      votes.set(node, places.set(way.node, (places.get(way.node) ?? 0) + 1));
    }
    for (const [node, places] of votes) this.#place(node, places, votes, lives.get(node));

    const nodeAt = this.#nodesByPlace();
    const docker = new Map([...ways].filter(([, { isOwn }]) => !isOwn));
    const present = new Set([...docker.values()].map(({ node }) => node));
    // Docker takes one address away where its owner is gone, and all where it takes the node for lost; it gives all back, but
    // not at once: what is taken away while it does so it would not set again.
    for (const [address, { node, leftOutMs = nowMs }] of this.#sandboxes) {
      const isLeftOut = !docker.has(address) && present.has(this.#places.get(node)?.at ?? '');
      const isGone = isLeftOut && (!ways.has(address) || nowMs - leftOutMs >= missingForMs);
      if (tasks.has(address) || isGone) this.#sandboxes.delete(address);
      else this.#sandboxes.set(address, { node, ...(isLeftOut ? { leftOutMs } : {}) });
    }
    // A network on which a node has no task it has left, and it comes anew.
    const taking = new Set(tasks.values());
    for (const node of this.#isIngress ? [] : this.#places.keys()) if (!taking.has(node)) this.#leave(node);
    for (const [address, way] of ways) {
      const node = nodeAt.get(way.node);
      if (node !== undefined && !tasks.has(address) && this.#says(way)) this.#sandboxes.set(address, { node });
    }
  }

  /** Whether it says where something is: Docker's does, and what an earlier process put back, of which nothing else is known. */
  #says({ isOwn }: Way): boolean {
    return !isOwn || this.#before === undefined;
  }

  #place(
    node: string,
    places: ReadonlyMap<string, number>,
    votes: ReadonlyMap<string, ReadonlyMap<string, number>>,
    life: Incarnation | undefined,
  ): void {
    const at = this.#places.get(node)?.at;
    const [most, count] = [...places].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most === at || (at !== undefined && (count < votesToMove || count <= (places.get(at) ?? 0)))) return;
    const holder = [...this.#places].find(([, place]) => place.at === most)?.[0];
    if (holder !== undefined && (count < votesToMove || count <= (votes.get(holder)?.get(most) ?? 0))) return;
    // It has left, or has another id now.
    if (holder !== undefined) this.#forget(holder);
    this.#places.set(node, { at: most, life });
  }

  /** It may be elsewhere in another life, and so may be its sandbox. */
  #forget(node: string): void {
    this.#places.delete(node);
    this.#leave(node);
  }

  #leave(node: string): void {
    this.#lostMs.delete(node);
    for (const [address, sandbox] of this.#sandboxes) if (sandbox.node === node) this.#sandboxes.delete(address);
  }

  #nodesByPlace(): ReadonlyMap<string, string> {
    return new Map([...this.#places].map(([node, { at }]) => [at, node]));
  }

  /** By node, the addresses that are to be reached there. Of a network on which a node has no task it has no sandbox. */
  #wanted(tasks: ReadonlyMap<string, string>): ReadonlyMap<string, ReadonlySet<string>> {
    const wanted = new Map<string, Set<string>>();
    const want = (address: string, node: string) =>
      wanted.set(node, (wanted.get(node) ?? new Set<string>()).add(address));
    for (const [address, node] of tasks) want(address, node);
    for (const [address, { node }] of this.#sandboxes) if (this.#isIngress || wanted.has(node)) want(address, node);
    return wanted;
  }

  /**
   * How Docker will set the way to a task that was never seen: by the MAC address that it gives to an address, as it did for all
   * that were seen at this place, on the one device of the one subnet. Where that is not sure, it is left to Docker.
   */
  #derivation(): (address: string, at: string) => Way | undefined {
    const devices = new Set<string>();
    const subnets = new Set<string>();
    const strange = new Set<string>();
    for (const [address, { device, mac, node }] of this.#seen) {
      devices.add(device);
      subnets.add(subnetOf(address));
      if (macOf(address) !== mac) strange.add(node);
    }
    const [device, ...further] = devices;
    return (address, at) => {
      const mac = macOf(address);
      if (device === undefined || further.length > 0 || mac === undefined) return undefined;
      return strange.has(at) || !subnets.has(subnetOf(address)) ? undefined : { device, mac, node: at };
    };
  }
}

export function isIpv4(address: string): boolean {
  return parseAddress(address)?.family === 'ip';
}

/** The least that a subnet is: its first 24 bits. */
export function subnetOf(address: string): string {
  return address.slice(0, address.lastIndexOf('.'));
}
