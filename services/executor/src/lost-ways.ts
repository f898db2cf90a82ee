import { type Incarnation, isSameLife } from '@fairway/mesh';
import { macOf, type Way } from './kernel/overlay.ts';

/** Other nodes as the mesh has them. */
export type Others = {
  /** Those that are there, each with its life. */
  readonly nodes: ReadonlyMap<string, Incarnation | undefined>;
  /** The addresses of tasks that have not ended, each with its node, be that there or not. */
  readonly tasks: ReadonlyMap<string, string>;
};

/** What is to be done to an overlay. */
export type Repair = {
  readonly put: ReadonlyMap<string, Way>;
  readonly drop: ReadonlyMap<string, Way>;
  /** The nodes that ways are put back to. */
  readonly nodes: ReadonlySet<string>;
};

/** Where a node is on the network that carries the overlay, and in which life it was seen there. */
type Place = { readonly at: string; readonly life: Incarnation | undefined };
/** An address of a node's that is no task's. */
type Sandbox = { readonly node: string; readonly life: Incarnation | undefined };

/**
 * Gossip exchanges all it has each 30 s with one other node (libnetwork networkdb/cluster.go): for so long after a node was
 * lost its new tasks are missing as well.
 */
const missingForMs = 90_000;

/**
 * The ways of one overlay network that Docker's gossip took away with a node that is there. It takes all of a node's at
 * once where it takes the node for lost, and gives them back when the two exchange all they have. They are what they were
 * while the node's life is the same; those of tasks begun since follow from the node's place and the task's address.
 */
export class LostWays {
  readonly #isIngress: boolean;
  readonly #seen = new Map<string, Way>();
  readonly #places = new Map<string, Place>();
  readonly #sandboxes = new Map<string, Sandbox>();
  /** Addresses that were a task's once: none of them is a sandbox. */
  readonly #tasks = new Set<string>();
  /** When a node was last found without any way. */
  readonly #lostMs = new Map<string, number>();
  /** What was put back, and Docker has not taken away or set otherwise since. */
  readonly #put = new Map<string, Way>();

  constructor(isIngress: boolean) {
    this.#isIngress = isIngress;
  }

  /** Tells what is to be done where a look found these ways; it is taken for done. */
  look(ways: ReadonlyMap<string, Way>, others: Others, nowMs: number): Repair {
    this.#learn(ways, others);
    const there = new Set([...ways.values()].map(({ node }) => node));
    for (const [node, { at }] of this.#places) if (!there.has(at)) this.#lostMs.set(node, nowMs);
    const nodes = new Set<string>();
    const put = new Map<string, Way>();
    const putBack = (address: string, node: string, way: Way | undefined) => {
      if (!way || ways.has(address)) return;
      nodes.add(node);
      put.set(address, way);
    };
    const erring = [...others.nodes.keys()].filter(
      (node) => nowMs - (this.#lostMs.get(node) ?? -missingForMs) < missingForMs,
    );
    for (const node of erring) {
      const tasks = [...others.tasks].flatMap(([address, of]) => (of === node ? [address] : []));
      for (const address of tasks) putBack(address, node, this.#wayTo(address, node));
      // Of a network on which a node has no container it has no sandbox.
      if (tasks.length === 0 && !this.#isIngress) continue;
      for (const [address, sandbox] of this.#sandboxes)
        if (sandbox.node === node) putBack(address, node, this.#wayTo(address, node));
    }
    const drop = this.#noLongerWanted(ways, others);
    for (const address of drop.keys()) this.#put.delete(address);
    for (const [address, way] of put) this.#put.set(address, way);
    return { put, drop, nodes };
  }

  #learn(ways: ReadonlyMap<string, Way>, { nodes, tasks }: Others): void {
    for (const [node, { life }] of this.#places) {
      if (nodes.has(node) && !isSameLife(life, nodes.get(node))) this.#forget(node);
    }
    for (const address of tasks.keys()) {
      this.#tasks.add(address);
      this.#sandboxes.delete(address);
    }
    const votes = new Map<string, Map<string, number>>();
    for (const [address, way] of ways) {
      this.#seen.set(address, way);
      const node = tasks.get(address);
      if (node === undefined || !nodes.has(node) || this.#put.has(address)) continue;
      const places = votes.get(node) ?? new Map<string, number>();
      votes.set(node, places.set(way.node, (places.get(way.node) ?? 0) + 1));
    }
    // An entry may be of the task that had the address before, on another node: most are not.
    for (const [node, places] of votes) {
      const at = this.#places.get(node)?.at ?? '';
      const [most = at, count = 0] = [...places].sort(([, a], [, b]) => b - a)[0] ?? [];
      if (count > (places.get(at) ?? 0)) this.#places.set(node, { at: most, life: nodes.get(node) });
    }
    for (const [address, way] of ways) {
      const node = this.#nodeAt(way.node);
      if (node === undefined || this.#tasks.has(address) || this.#put.has(address)) continue;
      this.#sandboxes.set(address, { node, life: nodes.get(node) });
    }
  }

  /** It may be elsewhere in another life, and so may be its sandbox. */
  #forget(node: string): void {
    this.#places.delete(node);
    this.#lostMs.delete(node);
    for (const [address, sandbox] of this.#sandboxes) if (sandbox.node === node) this.#sandboxes.delete(address);
  }

  #nodeAt(at: string): string | undefined {
    return [...this.#places].find(([, place]) => place.at === at)?.[0];
  }

  /** As it was seen, or as Docker will set it. */
  #wayTo(address: string, node: string): Way | undefined {
    const at = this.#places.get(node)?.at;
    if (at === undefined) return undefined;
    const seen = this.#seen.get(address);
    if (seen?.node === at) return seen;
    const devices = new Set([...this.#seen.values()].map(({ device }) => device));
    const [device] = devices;
    const mac = macOf(address);
    // Each subnet of a network has a device of its own.
    return device === undefined || devices.size > 1 || mac === undefined ? undefined : { device, mac, node: at };
  }

  /** What was put back for a task that has ended, or a sandbox that is no more: Docker does not know of it. */
  #noLongerWanted(ways: ReadonlyMap<string, Way>, { tasks }: Others): Map<string, Way> {
    const drop = new Map<string, Way>();
    for (const [address, way] of this.#put) {
      const held = ways.get(address);
      const owner = tasks.get(address) ?? this.#sandboxes.get(address)?.node;
      if (held?.node !== way.node || held.mac !== way.mac) this.#put.delete(address);
      else if (owner === undefined || owner !== this.#nodeAt(way.node)) drop.set(address, way);
    }
    return drop;
  }
}
