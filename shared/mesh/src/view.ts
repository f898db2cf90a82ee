import type { EndpointState } from './endpoint.ts';
import type { NodeClaim } from './node.ts';
import type { ServiceSpec, UpdateState } from './service.ts';

/** The mesh and its outcomes, folded for people: what the console serves, and the command and the page show. */
export type View = {
  readonly epoch: string;
  readonly revision: number;
  /** Whether every node has applied the mesh as it is, nothing is waited for and nothing is wrong. */
  readonly converged: boolean;
  readonly nodes: readonly NodeView[];
  readonly services: readonly ServiceView[];
  /** What sentinels do not see; nothing is wrong by that, but what goes wrong may not be noticed. */
  readonly unwatched: readonly Pending[];
  /** What will come by itself, and what it waits for. */
  readonly pending: readonly Pending[];
  /** How many messages could not be read in the last days, and were put aside or left out with their reasons. */
  readonly putAside: number;
  /** What somebody has to change. */
  readonly problems: readonly Pending[];
  /** Of the service that was asked for, where one was and the mesh has it. */
  readonly behind?: BehindDocker;
};

export type NodeView = {
  readonly id: string;
  readonly name: string;
  readonly role?: NodeClaim['role'];
  readonly state: NodeClaim['state'];
  readonly availability?: NodeClaim['availability'];
  /** The last revision of the present epoch that the node has applied; absent before its first. */
  readonly applied?: number;
  /** How long the last apply that changed a rule took, milliseconds. */
  readonly changeMs?: number;
  /** Why sentinels took it down, for people, where they did: it gets no traffic. */
  readonly lost?: string;
  /** Why the node's last apply failed, where none has succeeded since. */
  readonly failure?: string;
  /** What others changed in its kernel, the last of each namespace. */
  readonly drifts?: readonly DriftView[];
};

/** What others changed of Fairway's in a namespace. */
export type DriftView = {
  readonly namespace: string;
  /** One sentence each. */
  readonly found: readonly string[];
  /** When that was found, or put right, milliseconds of the node's clock. */
  readonly atMs: number;
  readonly repaired: boolean;
};

export type EndpointView = {
  readonly task: string;
  readonly node: string;
  readonly state: EndpointState;
  readonly addresses: readonly string[];
  /** Milliseconds of the decider's clock. */
  readonly sinceMs: number;
  readonly awaited?: string;
};

export type ServiceView = {
  readonly id: string;
  readonly name: string;
  readonly mode: ServiceSpec['mode'];
  /** `8000→80/tcp`. */
  readonly ports: readonly string[];
  /** Its virtual IPs but that on the ingress network, which nobody calls, each with its network: `10.0.1.2 (back)`. */
  readonly vips: readonly string[];
  /** Tasks wanted; absent for global services. */
  readonly replicas?: number;
  readonly serving: number;
  /** Where Swarm is with its update; absent where that is complete. */
  readonly update?: UpdateState;
  readonly endpoints: readonly EndpointView[];
};

export type Pending = { readonly about: string; readonly why: string };

/** How the mesh's picture of a service stands to that of a manager's Docker. */
export type BehindDocker = {
  /** The service's `Version.Index` in Docker; absent where it has none such. */
  readonly index?: number;
  /** What of Docker's the mesh has yet to hear, one sentence each; empty where it has all. */
  readonly unheard: readonly string[];
};
