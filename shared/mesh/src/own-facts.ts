import type { Address } from './address.ts';
import type { ContainerState } from './endpoint.ts';
import type { Incarnation } from './incarnation.ts';

/** What a node's own watcher knows of it. */
export type WatchedFacts = {
  readonly node: string;
  /** The life that the node is in now; absent where it is not known. */
  readonly incarnation?: Incarnation;
  /** The ingress sandbox's address on docker_gwbridge; absent while the node has no ingress sandbox. */
  readonly gateway?: Address;
  /** The ingress sandbox's own address on the ingress network, at which other nodes' sandboxes reach it. */
  readonly sandbox?: Address;
  /** Its own tasks' containers as its own watcher saw them last: a local death counts before the bus tells of it. */
  readonly containers: ReadonlyMap<string, { readonly state: ContainerState; readonly tick: number }>;
};

/** What a node's own kernel shows of Docker's networks. */
export type KernelFacts = {
  /** The sandboxes that Docker has made here, by name (`sandboxOf`). */
  readonly sandboxes: ReadonlySet<string>;
  /**
   * By network, the addresses of other nodes' tasks that this node's overlay has a way to. Absent where nobody has
   * looked; every task then counts as reached.
   */
  readonly reach?: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * By network, those of these addresses from which it is not sure that answers come back: sent to only where a service has
   * nobody else. None where it is absent.
   */
  readonly doubted?: ReadonlyMap<string, ReadonlySet<string>>;
};

/** What only the node itself knows, and needs for its plan. */
export type OwnFacts = WatchedFacts & KernelFacts;
