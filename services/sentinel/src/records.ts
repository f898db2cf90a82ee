import { type Bucket, BusUnavailable, keys, nodeDown, nodeUp, RevisionConflict, writeReach } from '@fairway/bus';
import {
  type Incarnation,
  isSameLife,
  keepCauses,
  type Mesh,
  type Reach,
  type RecordedReach,
  type Verdict,
  type Vote,
} from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';

/** What a node was judged to be, by which votes, and when. */
export type Judgement = {
  readonly state: Reach['state'];
  /** The life that was judged, as the mesh knew it. */
  readonly incarnation?: Incarnation;
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

  /**
   * Writes the record where it says something else, and goes ahead of it with a verdict where the node is down. A life that
   * was not judged is not said to be down. While the epoch is not complete nodes go by the one before, which has no such record.
   */
  settle(mesh: Mesh, node: string, judgement: Judgement): void {
    const { by } = this.#options;
    const { epoch } = mesh.generation;
    const { state, incarnation, votes, sinceMs, trace } = judgement;
    if (state === 'down' && !isSameLife(incarnation, mesh.nodes.get(node)?.incarnation)) return;
    const record = mesh.reach.get(node);
    const after = record?.revision ?? 0;
    const judged = { ...(incarnation ? { incarnation } : {}), by, votes, sinceMs };
    const isSo = isRecorded(record, judgement);
    // What was said to be down before it was on record is so for those who heard it, until a record says something.
    const isSaid = this.#said.get(node) === `${epoch} ${after}`;
    if (state === 'down' && (!isSo || !mesh.complete)) {
      this.#said.set(node, `${epoch} ${after}`);
      this.#options.say({ ...judged, node, epoch, after, trace });
    }
    if (isSo && (state === 'down' || !isSaid)) return;
    const cause = { trace, event: state === 'down' ? nodeDown : nodeUp, atMs: sinceMs, after };
    // Judged once, it may have to be written again.
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

function isRecorded(record: RecordedReach | undefined, { state, incarnation }: Judgement): boolean {
  if (state === 'up') return record?.state !== 'down' || !isSameLife(record.incarnation, incarnation);
  return record?.state === 'down' && isSameLife(record.incarnation, incarnation);
}
