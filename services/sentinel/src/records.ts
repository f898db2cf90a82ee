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

  constructor(options: Options) {
    this.#options = options;
  }

  /** Writes the record where it says something else, and goes ahead of it with a verdict where the node is down. */
  settle(mesh: Mesh, node: string, judgement: Judgement): void {
    const record = mesh.reach.get(node);
    const incarnation = mesh.nodes.get(node)?.incarnation;
    if (isRecorded(record, judgement, incarnation)) return;
    const { by, say } = this.#options;
    const { state, votes, sinceMs, trace } = judgement;
    const after = record?.revision ?? 0;
    const judged = { ...(incarnation ? { incarnation } : {}), by, votes, sinceMs };
    if (state === 'down') say({ ...judged, node, epoch: mesh.generation.epoch, after, trace });
    const cause = { trace, event: state === 'down' ? nodeDown : nodeUp, atMs: sinceMs, after };
    const causes = keepCauses(record?.causes ?? [], [cause]);
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
