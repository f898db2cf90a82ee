import { type Bucket, BusUnavailable, keys, nodeDown, nodeUp, RevisionConflict, writeReach } from '@fairway/bus';
import {
  keepCauses,
  type Mesh,
  type Reach,
  type RecordedReach,
  sameIncarnation,
  type Verdict,
  type Vote,
} from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';

/** What a node was judged to be, by which votes, and when. */
export type Judgement = {
  readonly state: Reach['state'];
  readonly votes: readonly Vote[];
  /** Milliseconds of the wall clock. */
  readonly sinceMs: number;
  /** W3C traceparent. */
  readonly trace: string;
};

type Options = {
  /** The sentinel's name. */
  readonly by: string;
  readonly bucket: Bucket;
  readonly log: Log;
  readonly say: (verdict: Verdict) => void;
};

/** Has the mesh say of each node what the sentinel judged. */
export class Records {
  readonly #options: Options;
  readonly #writing = new Set<string>();
  /** By node that was said to be down, the revision of the record on which that built. */
  readonly #said = new Map<string, string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Writes the record where it says something else, and goes ahead of it with a verdict where the node is down. */
  settle(mesh: Mesh, node: string, judgement: Judgement): void {
    const record = mesh.reach.get(node);
    const incarnation = mesh.nodes.get(node)?.incarnation;
    const after = record?.revision ?? 0;
    const { epoch } = mesh.generation;
    const { state, votes, sinceMs, trace } = judgement;
    // What was said to be down before it was on record is so for those who heard it, until a record says something.
    const isSaid = state === 'up' && this.#said.get(node) === `${epoch} ${after}`;
    if (isRecorded(record, judgement, incarnation) && !isSaid) return;
    const { by, say } = this.#options;
    const judged = { ...(incarnation ? { incarnation } : {}), by, votes, sinceMs };
    if (state === 'down') {
      this.#said.set(node, `${epoch} ${after}`);
      say({ ...judged, node, epoch, after, trace });
    }
    const cause = { trace, event: state === 'down' ? nodeDown : nodeUp, atMs: sinceMs, after };
    // Judged once, it may have to be written for a later life of the node.
    const held = record?.causes ?? [];
    const causes = held.at(-1)?.trace === trace ? held : keepCauses(held, [cause]);
    void this.#write(node, (bucket) => bucket.put(keys.reach(node), writeReach({ ...judged, state, causes }), after));
  }

  /** Forgets what is recorded of nodes that are in the swarm no more. */
  forget(mesh: Mesh): void {
    if (!mesh.complete) return;
    for (const [node, { revision }] of mesh.reach) {
      const held = mesh.nodes.get(node);
      if (held && held.removedMs === undefined) continue;
      void this.#write(node, (bucket) => bucket.delete(keys.reach(node), revision));
    }
  }

  /** One write at a time for a node; what fails is tried again by the next settling, on what the record is by then. */
  async #write(node: string, write: (bucket: Bucket) => Promise<unknown>): Promise<void> {
    const { bucket, log } = this.#options;
    if (this.#writing.has(node)) return;
    this.#writing.add(node);
    try {
      await write(bucket);
    } catch (error) {
      if (error instanceof RevisionConflict) return;
      const level = error instanceof BusUnavailable ? 'warn' : 'error';
      log[level]('what a node is could not be recorded; trying again', { node, reason: describe(error) });
    } finally {
      this.#writing.delete(node);
    }
  }
}

/** A node that is down has to be so in the life that the mesh knows it by. */
function isRecorded(
  record: RecordedReach | undefined,
  { state }: Judgement,
  incarnation: RecordedReach['incarnation'],
): boolean {
  if (state === 'up') return record?.state !== 'down';
  if (record?.state !== 'down') return false;
  return !record.incarnation || !incarnation || sameIncarnation(record.incarnation, incarnation);
}
