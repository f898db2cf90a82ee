import {
  type Bucket,
  keys,
  RevisionConflict,
  readService,
  readShard,
  type ServiceEntry,
  type ShardEntry,
  writeService,
  writeShard,
} from '@fairway/bus';
import { type Cause, type Endpoint, keepCauses, shardOf, shardsWanted } from '@fairway/mesh';
import type { FoldedService } from './service-change.ts';

type Held<Entry> = { readonly entry: Entry; readonly revision: number };
type Shards = ReadonlyMap<number, Held<ShardEntry>>;

/** A service as it was read: its parts with the revisions that a write must still find. */
export type StoredService = {
  readonly head?: Held<ServiceEntry>;
  readonly shards: Shards;
  readonly service?: FoldedService;
};

/** A cause without the revision that it builds on, which only the write knows. */
export type NewCause = Omit<Cause, 'after'>;

/** Reads a service and its shards, and ends a division that somebody began. */
export async function loadService(bucket: Bucket, id: string): Promise<StoredService> {
  for (;;) {
    const head = await loadHead(bucket, id);
    if (!head) return { shards: new Map() };
    const shards = await loadShards(bucket, id, head.entry.of);
    // One that is missing belonged to a division that was replaced meanwhile, if the service's own entry is another.
    if (shards.size < head.entry.of - 1 && (await loadHead(bucket, id))?.revision !== head.revision) continue;
    const into = [...shards.values()].find(({ entry }) => entry.into !== undefined)?.entry.into;
    if (into !== undefined) {
      await divide(bucket, id, head, shards, into);
      continue;
    }
    const { of: _, causes: __, ...rest } = head.entry;
    return { head, shards, service: { ...rest, endpoints: endpointsOf(head, shards) } };
  }
}

/**
 * Writes what changed: one entry, unless the change touches several shards.
 *
 * @returns the revision of the last write; undefined when the number of shards had to grow first: load and fold again.
 * @throws {RevisionConflict} when somebody else has written meanwhile: load and fold again.
 */
export async function saveService(
  bucket: Bucket,
  id: string,
  { head, shards }: StoredService,
  service: FoldedService,
  causes: readonly NewCause[],
): Promise<number | undefined> {
  const of = head?.entry.of ?? 1;
  const wanted = shardsWanted(service.endpoints.length, of);
  const { endpoints, ...rest } = service;
  if (wanted > of) {
    // A service that is this large from the start is begun empty: no task of it has been seen.
    if (head) await divide(bucket, id, head, shards, wanted);
    else await bucket.put(keys.service(id), writeService({ ...rest, seen: 0, of, endpoints: [], causes: [] }), 0);
    return undefined;
  }

  const divided = distribute(endpoints, of);
  const added = (revision: number) => causes.map((cause) => ({ ...cause, after: revision }));
  let revision = 0;
  for (const [n, shard] of divided.entries()) {
    if (n === 0) continue;
    const before = shards.get(n);
    if (before && sameEndpoints(before.entry.endpoints, shard)) continue;
    const kept = keepCauses(before?.entry.causes ?? [], added(before?.revision ?? 0));
    const from = before?.entry.from ?? head?.revision ?? 0;
    const text = writeShard({ ...before?.entry, from, endpoints: shard, causes: kept });
    revision = await bucket.put(keys.shard(id, of, n), text, before?.revision ?? 0);
  }
  const first = divided[0] ?? [];
  const headChanged =
    !head ||
    head.entry.spec !== service.spec ||
    head.entry.removedMs !== service.removedMs ||
    !sameEndpoints(head.entry.endpoints, first);
  if (headChanged) {
    const kept = keepCauses(head?.entry.causes ?? [], added(head?.revision ?? 0));
    const text = writeService({ ...rest, of, endpoints: first, causes: kept });
    revision = await bucket.put(keys.service(id), text, head?.revision ?? 0);
  }
  if (wanted < of) await shrink(bucket, id, of, wanted);
  return revision;
}

/** Fewer shards, unless somebody writes meanwhile: then whoever changes the service next. */
async function shrink(bucket: Bucket, id: string, of: number, wanted: number): Promise<void> {
  try {
    const { head, shards } = await loadService(bucket, id);
    if (head?.entry.of === of) await divide(bucket, id, head, shards, wanted);
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error;
  }
}

/**
 * Divides a service's endpoints into another number of shards. It changes nothing else, and what it writes follows from
 * the service's own entry at one revision and from shards to which nothing more is written; so several may be at it, and
 * any of them ends what another began.
 *
 * 1. The shards there are closed, so that nobody writes to one whose endpoints have been copied.
 * 2. The new ones are written beside them. Each says which revision it was made from: a division of a later one is never
 *    written over, it may be in use already.
 * 3. The service's own entry switches over, in one write, if it is still as it was read.
 * 4. The old shards go.
 *
 * @throws {RevisionConflict} when somebody else has written meanwhile: load again.
 */
async function divide(bucket: Bucket, id: string, head: Held<ServiceEntry>, shards: Shards, of: number): Promise<void> {
  const before = head.entry.of;
  const closed = new Map<number, number>();
  for (const [n, { entry, revision }] of shards) {
    const text = writeShard({ ...entry, into: of });
    closed.set(n, entry.into === of ? revision : await bucket.put(keys.shard(id, before, n), text, revision));
  }

  const divided = distribute(endpointsOf(head, shards), of);
  const written = await loadShards(bucket, id, of);
  for (const [n, endpoints] of divided.entries()) {
    if (n === 0) continue;
    const key = keys.shard(id, of, n);
    const left = written.get(n);
    const from = left?.entry.from ?? -1;
    if (from > head.revision) throw new RevisionConflict(keys.service(id), head.revision);
    if (from === head.revision) continue;
    await bucket.put(key, writeShard({ from: head.revision, endpoints, causes: [] }), left?.revision ?? 0);
  }
  const text = writeService({ ...head.entry, of, endpoints: divided[0] ?? [] });
  await bucket.put(keys.service(id), text, head.revision);

  for (const [n, revision] of closed) {
    try {
      await bucket.delete(keys.shard(id, before, n), revision);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
}

async function loadHead(bucket: Bucket, id: string): Promise<Held<ServiceEntry> | undefined> {
  const held = await bucket.get(keys.service(id));
  return held?.text === undefined ? undefined : { entry: readService(held.key, held.text), revision: held.revision };
}

/** The shards of a division, without the first, which is in the service's own entry. */
async function loadShards(bucket: Bucket, id: string, of: number): Promise<Shards> {
  const shards = new Map<number, Held<ShardEntry>>();
  for (let n = 1; n < of; n++) {
    const held = await bucket.get(keys.shard(id, of, n));
    if (held?.text !== undefined) shards.set(n, { entry: readShard(held.key, held.text), revision: held.revision });
  }
  return shards;
}

function endpointsOf({ entry }: Held<ServiceEntry>, shards: Shards): Endpoint[] {
  return [entry, ...[...shards.values()].map((shard) => shard.entry)].flatMap(({ endpoints }) => endpoints);
}

function distribute(endpoints: readonly Endpoint[], of: number): Endpoint[][] {
  const divided: Endpoint[][] = Array.from({ length: of }, () => []);
  for (const endpoint of endpoints) divided[shardOf(endpoint.task, of)]?.push(endpoint);
  return divided;
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, at) => endpoint === b[at]);
}
