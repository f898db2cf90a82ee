import type { NetworkAddress } from './address.ts';
import type { Cause } from './cause.ts';
import type { Endpoint } from './endpoint.ts';
import type { PublishedPort } from './port.ts';

/**
 * Where Swarm is with a service's update, in its own words (`ServiceUpdateStatus.State` of the Engine API), where that
 * is not `completed`: there are tasks as they were before, or as they were before what was rolled back.
 */
export const updateStates = [
  'updating',
  'paused',
  'rollback_started',
  'rollback_paused',
  'rollback_completed',
] as const;
export type UpdateState = (typeof updateStates)[number];

/** What a service asks for, as a manager reported it; ordered by `index`, the service's `Version.Index`. */
export type ServiceSpec = {
  readonly id: string;
  readonly name: string;
  readonly index: number;
  /** Swarm's endpoint mode. A `dnsrr` service has no VIP and nothing for the mesh to do. */
  readonly mode: 'vip' | 'dnsrr';
  /** Ports published in mode `ingress`; those in mode `host` are the node's own affair. */
  readonly ports: readonly PublishedPort[];
  readonly vips: readonly NetworkAddress[];
  /** The labels that begin with `fairway.`, the policy that the operator asks for. */
  readonly labels: Readonly<Record<string, string>>;
  /** Tasks wanted; absent for global services, whose number depends on the nodes. */
  readonly replicas?: number;
  /** Absent where no update was made since the service was created, or the last one is complete. */
  readonly update?: UpdateState;
};

/** What a manager's Docker has of a service at the moment. */
export type ServiceInDocker = {
  readonly spec: ServiceSpec;
  /** The ids of the tasks that are to run, and of those that could not be read. */
  readonly wanted: readonly string[];
  readonly unread: readonly string[];
};

/** One service in the mesh: what it asks for and what serves it. */
export type Service = {
  readonly spec: ServiceSpec;
  readonly endpoints: readonly Endpoint[];
  readonly causes: readonly Cause[];
  /**
   * The highest `Version.Index` of any task that a manager has reported. A listing of tasks is one reading of Swarm's
   * store, so a task that is not here and not above this was removed before, and an old report does not bring it back.
   */
  readonly seen: number;
  /**
   * A deleted service stays as a tombstone, so that a fact that was on its way does not bring it back: for longer than
   * the fact stream keeps facts. Milliseconds of the decider's clock when it was confirmed gone.
   */
  readonly removedMs?: number;
};
