import { type Bucket, keys, RevisionConflict, tombstoneMs } from '@fairway/bus';
import type { Mesh } from '@fairway/mesh';

/** The keys of entries whose object was removed so long ago that no fact about it can still be on its way. */
export function expired(mesh: Mesh, nowMs: number): string[] {
  const old = ({ removedMs }: { removedMs?: number }) => removedMs !== undefined && nowMs - removedMs > tombstoneMs;
  const of = <T extends { removedMs?: number }>(entries: ReadonlyMap<string, T>, key: (id: string) => string) =>
    [...entries].filter(([, entry]) => old(entry)).map(([id]) => key(id));
  return [...of(mesh.services, keys.service), ...of(mesh.nodes, keys.node), ...of(mesh.networks, keys.network)];
}

/** Deletes the entries that have expired. Any decider may do it at any time; who comes second finds nothing. */
export async function sweep(bucket: Bucket, mesh: Mesh, nowMs: number): Promise<void> {
  for (const key of expired(mesh, nowMs)) {
    const held = await bucket.get(key);
    if (held?.text === undefined) continue;
    try {
      await bucket.delete(key, held.revision);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
}
