import {
  type Bucket,
  keys,
  readService,
  readShard,
  type ServiceEntry,
  type ShardEntry,
  writeService,
  writeShard,
} from '@fairway/bus';
import { type Cause, type Endpoint, keepCauses, shardOf, shardsWanted } from '@fairway/mesh';
import type { FoldedService } from './fold-service.ts';

/** A service as it was read: its parts with the revisions that a write must still find. */
export type StoredService = {
  readonly head?: { readonly entry: ServiceEntry; readonly revision: number };
  readonly shards: ReadonlyMap<number, { readonly entry: ShardEntry; readonly revision: number }>;
  readonly service?: FoldedService;
};

/** A cause without the revision that it builds on, which only the write knows. */
export type NewCause = Omit<Cause, 'after'>;

/** Reads a service and its shards. */
export async function loadService(bucket: Bucket, id: string): Promise<StoredService> {
  const held = await bucket.get(keys.service(id));
  if (held?.text === undefined) return { shards: new Map() };
  const entry = readService(held.key, held.text);
  const shards = new Map<number, { entry: ShardEntry; revision: number }>();
  for (let n = 1; n < entry.of; n++) {
    const shard = await bucket.get(keys.shard(id, entry.of, n));
    if (shard?.text !== undefined) shards.set(n, { entry: readShard(shard.key, shard.text), revision: shard.revision });
  }
  const { of: _, causes: __, endpoints, ...rest } = entry;
  return {
    head: { entry, revision: held.revision },
    shards,
    service: { ...rest, endpoints: [...endpoints, ...[...shards.values()].flatMap((shard) => shard.entry.endpoints)] },
  };
}

/**
 * Writes what changed: one entry, unless the change touches several shards or their number.
 *
 * @returns the revision of the last write.
 * @throws {RevisionConflict} when somebody else has written meanwhile: load and fold again.
 */
export async function saveService(
  bucket: Bucket,
  id: string,
  stored: StoredService,
  service: FoldedService,
  causes: readonly NewCause[],
): Promise<number> {
  const held = stored.head?.entry.of ?? 1;
  const of = shardsWanted(service.endpoints.length, held);
  const divided = divide(service.endpoints, of);
  const added = (revision: number) => causes.map((cause) => ({ ...cause, after: revision }));

  let revision = 0;
  const saveShard = async (n: number, before: { entry: ShardEntry; revision: number } | undefined) => {
    const endpoints = divided[n] ?? [];
    if (before && sameEndpoints(before.entry.endpoints, endpoints)) return;
    const kept = keepCauses(before?.entry.causes ?? [], added(before?.revision ?? 0));
    const key = keys.shard(id, of, n);
    revision = await bucket.put(key, writeShard({ endpoints, causes: kept }), before?.revision ?? 0);
  };
  const headEndpoints = divided[0] ?? [];
  const { endpoints: _, ...rest } = service;
  const head = stored.head;
  const headChanged =
    !head ||
    of !== held ||
    head.entry.spec !== service.spec ||
    head.entry.removedMs !== service.removedMs ||
    !sameEndpoints(head.entry.endpoints, headEndpoints);

  if (of !== held) {
    // The new division is complete before the service's own entry switches to it, and the old one goes after that. What
    // an earlier attempt left of the new division is written over.
    for (let n = 1; n < of; n++) {
      const left = await bucket.get(keys.shard(id, of, n));
      const entry = left?.text === undefined ? undefined : readShard(left.key, left.text);
      await saveShard(n, left && entry ? { entry, revision: left.revision } : undefined);
    }
  } else {
    for (let n = 1; n < of; n++) await saveShard(n, stored.shards.get(n));
  }
  if (headChanged) {
    const kept = keepCauses(head?.entry.causes ?? [], added(head?.revision ?? 0));
    const text = writeService({ ...rest, of, endpoints: headEndpoints, causes: kept });
    revision = await bucket.put(keys.service(id), text, head?.revision ?? 0);
  }
  if (of !== held) {
    for (const [n, shard] of stored.shards) await bucket.delete(keys.shard(id, held, n), shard.revision);
  }
  return revision;
}

function divide(endpoints: readonly Endpoint[], of: number): Endpoint[][] {
  const divided: Endpoint[][] = Array.from({ length: of }, () => []);
  for (const endpoint of endpoints) divided[shardOf(endpoint.task, of)]?.push(endpoint);
  return divided;
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, at) => endpoint === b[at]);
}
