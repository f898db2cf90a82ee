import type { NetworkAddress } from './address.ts';
import type { Incarnation, Reading } from './incarnation.ts';
import type { Network } from './network.ts';
import type { NodeClaim } from './node.ts';
import type { ServiceSpec } from './service.ts';

/** What a manager says of one task; ordered by `index`, the task's `Version.Index`. */
export type TaskClaim = {
  readonly id: string;
  readonly node: string;
  readonly index: number;
  readonly claim: 'assigned' | 'running' | 'released';
  readonly addresses: readonly NetworkAddress[];
};

/** A manager's picture of one service and all of its tasks. */
export type ServiceFact = {
  readonly kind: 'service';
  readonly spec: ServiceSpec;
  readonly tasks: readonly TaskClaim[];
  /**
   * Set where this is only a part of the service's tasks: it has more than one message carries, or Docker's list put some
   * aside.
   */
  readonly partial?: true;
  /** Tasks that the mesh has and the manager has not: each confirmed by an inspect that answered 404. */
  readonly gone: readonly string[];
  /** Whether each index was confirmed by an inspect, so that it counts even where it is lower than the stored one. */
  readonly confirmed: boolean;
};

/** A manager answered 404 for the service. */
export type ServiceGoneFact = { readonly kind: 'service-gone'; readonly service: string };

export type NodeFact = { readonly kind: 'node'; readonly node: NodeClaim; readonly confirmed: boolean };
/** A manager answered 404 for the node. */
export type NodeGoneFact = { readonly kind: 'node-gone'; readonly node: string };
export type NetworkFact = {
  readonly kind: 'network';
  readonly network: Omit<Network, 'removedMs'>;
  /** Set where an inspect confirmed it, so that it counts even where the mesh was told that it is gone. */
  readonly confirmed?: true;
};
/** A manager answered 404 for the network. */
export type NetworkGoneFact = { readonly kind: 'network-gone'; readonly network: string };

/** A node says how the container of one of its own tasks is. */
export type ContainerFact = {
  readonly kind: 'container';
  readonly node: string;
  readonly service: string;
  readonly task: string;
  readonly container: string;
  readonly state: 'starting' | 'running' | 'unhealthy' | 'stopping' | 'dead';
  readonly reading: Reading;
};

/** A manager has reported everything that it has; everything was published before this. */
export type SwarmListingFact = { readonly kind: 'swarm-listing'; readonly listing: string; readonly epoch: string };

/** A node has reported its containers, as they were at `tick`; each was published before this. */
export type NodeListingFact = {
  readonly kind: 'node-listing';
  readonly listing: string;
  readonly node: string;
  readonly incarnation: Incarnation;
  /** Taken before Docker was asked: what was reported later than this is not contradicted by the listing. */
  readonly tick: number;
  readonly tasks: readonly string[];
  /** Set where there are containers that could not be read: none is contradicted that the listing lacks. */
  readonly partial?: true;
};

/** Something observed. */
export type Fact =
  | ServiceFact
  | ServiceGoneFact
  | NodeFact
  | NodeGoneFact
  | NetworkFact
  | NetworkGoneFact
  | ContainerFact
  | SwarmListingFact
  | NodeListingFact;

/** The object that a fact speaks of: facts about one object are folded one after the other. */
export function objectOf(fact: Fact): string {
  switch (fact.kind) {
    case 'service':
      return fact.spec.id;
    case 'service-gone':
    case 'container':
      return fact.service;
    case 'node':
      return fact.node.id;
    case 'node-gone':
    case 'node-listing':
      return fact.node;
    case 'network':
      return fact.network.id;
    case 'network-gone':
      return fact.network;
    case 'swarm-listing':
      return 'swarm';
  }
}
