import type { ContainerFact, NodeListingFact, Service, ServiceFact, ServiceGoneFact } from '@fairway/mesh';

/** The facts that can change a service. */
export type ServiceChange = ServiceFact | ServiceGoneFact | ContainerFact | NodeListingFact;

/** What a fold needs to know besides the service and the fact. */
export type FoldContext = {
  readonly nowMs: number;
  /** Whether this boot of the node was replaced by a later one. */
  readonly isRetired: (node: string, boot: string) => boolean;
  /** Whether a complete listing of this boot of the node was folded in: a boot of which that is not so may be later. */
  readonly isListed: (node: string, boot: string) => boolean;
  /** Whether the node was removed from the swarm: nothing will ever be heard of its containers. */
  readonly isRemoved: (node: string) => boolean;
};

/** A service's wishes and endpoints, as far as a fold changes them. */
export type FoldedService = Pick<Service, 'spec' | 'endpoints' | 'seen' | 'removedMs'>;
