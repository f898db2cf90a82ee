import {
  type Bucket,
  keys,
  parseKey,
  RevisionConflict,
  readNetwork,
  readNode,
  readService,
  tombstoneMs,
  Unreadable,
} from '@fairway/bus';
import type { Endpoint, Mesh } from '@fairway/mesh';
import { decideTime } from './decide.ts';
import { foldTime } from './fold-service.ts';
import type { KnownSince, Removable } from './known-since.ts';
import type { FoldContext } from './service-change.ts';

/**
 * A task that ended is forgotten after this, and so is one of which only its node spoke. Until then a fact about it that
 * was overtaken finds it: deciders share the facts, and one that fails is delivered again after those behind it.
 */
const lingerMs = 60_000;

/** The keys of entries whose object is known to be removed for so long that no fact about it can still be on its way. */
export function expired(mesh: Mesh, known: KnownSince): string[] {
  const of = (entries: ReadonlyMap<string, Removable>, keyOf: (id: string) => string) =>
    [...entries].flatMap(([id, entry]) => (isExpired(keyOf(id), entry, known) ? [keyOf(id)] : []));
  return [...of(mesh.services, keys.service), ...of(mesh.nodes, keys.node), ...of(mesh.networks, keys.network)];
}

/** The services with endpoints that are to be forgotten by now, though no fact comes that would do it. */
export function lingering(mesh: Mesh, known: KnownSince, context: FoldContext): string[] {
  return [...mesh.services]
    .filter(([id, service]) => foldTime(service, isOld(id, known), context) !== service)
    .map(([id]) => id);
}

/**
 * Forgets what is to be forgotten, and deletes the entries that have expired. Any decider may do it at any time; who
 * comes second finds nothing. What the mesh had as expired may be there again by now, or be of a newer release, whose
 * deciders sweep it.
 */
export async function sweep(bucket: Bucket, mesh: Mesh, known: KnownSince, context: FoldContext): Promise<void> {
  known.look(mesh);
  for (const id of lingering(mesh, known, context))
    await unlessUnreadable(decideTime(bucket, id, isOld(id, known), context));
  for (const key of expired(mesh, known)) await unlessUnreadable(deleteExpired(bucket, key, known));
}

async function deleteExpired(bucket: Bucket, key: string, known: KnownSince): Promise<void> {
  const held = await bucket.get(key);
  if (held?.text === undefined || !isExpired(key, readRemovable(key, held.text), known)) return;
  try {
    await bucket.delete(key, held.revision);
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error;
  }
}

async function unlessUnreadable(work: Promise<unknown>): Promise<void> {
  await work.catch((error) => {
    if (!(error instanceof Unreadable)) throw error;
  });
}

function isOld(service: string, known: KnownSince) {
  return (endpoint: Endpoint) => known.endpointMs(service, endpoint) >= lingerMs;
}

function isExpired(key: string, entry: Removable, known: KnownSince): boolean {
  return known.removedMs(key, entry) > tombstoneMs;
}

/** @throws {Unreadable} */
function readRemovable(key: string, text: string): Removable {
  switch (parseKey(key)?.kind) {
    case 'service':
      return readService(key, text);
    case 'node':
      return readNode(key, text);
    default:
      return readNetwork(key, text);
  }
}
