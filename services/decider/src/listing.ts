import {
  type Bucket,
  type Bus,
  type Envelope,
  keys,
  type MeshReplica,
  RevisionConflict,
  readComplete,
  Unreadable,
  writeComplete,
} from '@fairway/bus';
import type { Mesh, NodeListingFact, SwarmListingFact } from '@fairway/mesh';
import { type Tracer, untraced } from '@fairway/telemetry';
import { decideNode, decideService } from './decide.ts';
import type { OnOdd } from './oddity.ts';
import type { FoldContext } from './service-change.ts';

/**
 * Folds a node's complete listing: containers that it does not have are dead, and from now on the node's endpoints
 * are believed under its incarnation. To be called when every earlier fact is folded in.
 *
 * @returns false when the replica has not yet heard all that was written: try again.
 */
export async function foldNodeListing(
  bucket: Bucket,
  replica: MeshReplica,
  envelope: Envelope<NodeListingFact>,
  context: FoldContext,
  tracer: Tracer = untraced,
  onOdd: OnOdd = () => {},
): Promise<boolean> {
  // Asked first: what the replica has heard by the time of the answer is then at least that much.
  const written = await bucket.lastRevision();
  const mesh = replica.current;
  if (!mesh || !replica.caughtUp || mesh.generation.epoch !== envelope.epoch) return false;
  if (mesh.generation.revision < written) return false;
  for (const id of contradicted(mesh, envelope.body)) await decideService(bucket, id, [envelope], context, tracer);
  await decideNode(bucket, envelope.body.node, [envelope], context.nowMs, tracer, onOdd);
  return true;
}

/** The services that have an endpoint with a living container on the node, of which its listing does not know. */
function contradicted(mesh: Mesh, { node, tasks }: NodeListingFact): string[] {
  const listed = new Set(tasks);
  return [...mesh.services.values()]
    .filter(({ endpoints }) =>
      endpoints.some(
        (endpoint) =>
          endpoint.node === node &&
          endpoint.container !== 'unknown' &&
          endpoint.container !== 'dead' &&
          !listed.has(endpoint.task),
      ),
    )
    .map(({ spec }) => spec.id);
}

/**
 * Writes, once per epoch, that a complete manager listing is folded in: from now on executors may prune. The bus is asked
 * for the epoch: another decider may have made the bucket anew a moment ago. It may do so after that too, before the write;
 * what then stands in the new bucket is of the epoch before, and says nothing of this one.
 */
export async function completeEpoch(bus: Bus, { body }: Envelope<SwarmListingFact>): Promise<boolean> {
  const { epoch, listing } = body;
  if ((await bus.epoch()) !== epoch) return false;
  const held = await bus.mesh.get(keys.complete);
  if (held?.text !== undefined && isOf(epoch, held.key, held.text)) return false;
  try {
    await bus.mesh.put(keys.complete, writeComplete({ epoch, listing }), held?.revision ?? 0);
    return true;
  } catch (error) {
    if (error instanceof RevisionConflict) return false;
    throw error;
  }
}

/** Whether an entry says that this epoch is complete. One that cannot be read is a newer decider's, and is left alone. */
function isOf(epoch: string, key: string, text: string): boolean {
  try {
    return readComplete(key, text).epoch === epoch;
  } catch (error) {
    if (error instanceof Unreadable) return true;
    throw error;
  }
}
