import { type Bucket, keys, RevisionConflict, tombstoneMs } from '@fairway/bus';
import type { Mesh } from '@fairway/mesh';
import { decideTime } from './decide.ts';
import { type FoldContext, foldTime } from './fold-service.ts';

/** The keys of entries whose object was removed so long ago that no fact about it can still be on its way. */
export function expired(mesh: Mesh, nowMs: number): string[] {
  const old = ({ removedMs }: { removedMs?: number }) => removedMs !== undefined && nowMs - removedMs > tombstoneMs;
  const of = <T extends { removedMs?: number }>(entries: ReadonlyMap<string, T>, key: (id: string) => string) =>
    [...entries].filter(([, entry]) => old(entry)).map(([id]) => key(id));
  return [...of(mesh.services, keys.service), ...of(mesh.nodes, keys.node), ...of(mesh.networks, keys.network)];
}

/** The services with endpoints that are to be forgotten by now, though no fact comes that would do it. */
export function lingering(mesh: Mesh, context: FoldContext): string[] {
  return [...mesh.services].filter(([, service]) => foldTime(service, context) !== service).map(([id]) => id);
}

/**
 * Forgets what is to be forgotten, and deletes the entries that have expired. Any decider may do it at any time; who
 * comes second finds nothing.
 */
export async function sweep(bucket: Bucket, mesh: Mesh, context: FoldContext): Promise<void> {
  for (const id of lingering(mesh, context)) await decideTime(bucket, id, context);
  for (const key of expired(mesh, context.nowMs)) {
    const held = await bucket.get(key);
    if (held?.text === undefined) continue;
    try {
      await bucket.delete(key, held.revision);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
}
