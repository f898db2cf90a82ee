import type { Cause } from './cause.ts';
import type { Incarnation } from './incarnation.ts';
import type { Mesh } from './mesh.ts';

/** What a peer found when it was asked to reach a node by way of the ingress network, sandbox to sandbox. */
export const sights = ['reached', 'silent', 'unable'] as const;
export type Sight = (typeof sights)[number];

/** What one peer, a node's id, said of another node. */
export type Vote = { readonly peer: string; readonly sight: Sight };

/** How a sentinel judged a node, and by what. */
type Judgement = {
  /**
   * The life of the node that it is about, as the mesh knew it: endpoints of a later one are none of its business. Absent
   * where the node had not listed its containers in this epoch.
   */
  readonly incarnation?: Incarnation;
  /** The sentinel's name. */
  readonly by: string;
  readonly votes: readonly Vote[];
  /** Milliseconds of the sentinel's wall clock: to be shown only. */
  readonly sinceMs: number;
};

/** Whether a node can be reached, on record. One without a record counts as reached. */
export type Reach = Judgement & {
  readonly state: 'up' | 'down';
  readonly causes: readonly Cause[];
};

/**
 * A sentinel's word that a node is down. It goes ahead of the record, for which the bus may need an election first: the dead
 * node may have had the server that led it.
 */
export type Verdict = Judgement & {
  readonly node: string;
  /** The mesh's epoch, and the revision in it of the node's record that this builds on; 0 where there was none. */
  readonly epoch: string;
  readonly after: number;
  /** W3C traceparent of the judging. */
  readonly trace: string;
};

/** A node's record with its revision in the bucket. */
export type RecordedReach = Reach & { readonly revision: number };

/** The mesh with the verdicts that no record has overtaken yet. */
export function withVerdicts(mesh: Mesh, verdicts: Iterable<Verdict>): Mesh {
  const ahead = [...verdicts].filter((verdict) => !isOvertaken(verdict, mesh));
  if (ahead.length === 0) return mesh;
  const told = ahead.map(({ node, after, epoch: _, trace: __, ...judgement }): [string, RecordedReach] => [
    node,
    { ...judgement, state: 'down', causes: mesh.reach.get(node)?.causes ?? [], revision: after },
  ]);
  return { ...mesh, reach: new Map([...mesh.reach, ...told]) };
}

/** Revisions of two epochs have no order: a verdict lasts for seconds, and counts until the record of its own is there. */
function isOvertaken({ node, epoch, after }: Verdict, { generation, reach }: Mesh): boolean {
  return epoch === generation.epoch && (reach.get(node)?.revision ?? 0) > after;
}
