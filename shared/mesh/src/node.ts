import type { Cause } from './cause.ts';
import type { Incarnation } from './incarnation.ts';

/** What the managers say of a node; ordered by `index`, the node's `Version.Index`. */
export type NodeClaim = {
  readonly id: string;
  readonly name: string;
  readonly index: number;
  readonly role: 'manager' | 'worker';
  readonly availability: 'active' | 'pause' | 'drain';
  /** Swarm's own judgement of whether the node's agent answers. */
  readonly state: 'unknown' | 'down' | 'ready' | 'disconnected';
  /** The labels that begin with `fairway.`. */
  readonly labels: Readonly<Record<string, string>>;
};

/** One node in the mesh. */
export type Node = {
  /** Absent while only the node itself has spoken. */
  readonly claim?: NodeClaim;
  /** The incarnation of the node's last complete listing; absent until its watcher has delivered one in this epoch. */
  readonly incarnation?: Incarnation;
  readonly tick?: number;
  /** Boots that were replaced, newest last: none of them returns. */
  readonly retired: readonly string[];
  readonly causes: readonly Cause[];
  readonly removedMs?: number;
};

/** How many replaced boots an entry remembers: a fact older than this many reboots is older than the fact stream. */
export const retiredMax = 8;
