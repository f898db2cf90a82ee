import { JetStreamApiCodes, type MsgRequest, type StoredMsg } from '@nats-io/jetstream';
import { type BucketEntry, BusUnavailable } from '../bus.ts';
import type { Head } from '../head.ts';
import { keys } from '../keys.ts';
import type { Connection } from './connection.ts';
import { hasCode, isStreamMissing } from './failure.ts';

/** NATS keeps a key-value bucket as a stream of this name. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function bucketSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** What a bucket's entry is stored as, or was. A delete leaves a message with this header and no text (NATS ADR-8). */
export function bucketEntry(
  key: string,
  revision: number,
  stored: { readonly headers?: { has(name: string): boolean } | undefined; string(): string },
): BucketEntry {
  const deleted = stored.headers?.has('KV-Operation') ?? false;
  return deleted ? { key, revision } : { key, revision, text: stored.string() };
}

/** The epoch that the bucket's maker wrote into it; undefined while there is no bucket, or none yet in it. */
export async function readEpoch(connection: Connection, bucket: string): Promise<string | undefined> {
  const message = await connection.askAgain(`read the epoch of ${bucket}`, async () => {
    try {
      return await lastOf(connection, bucket, keys.epoch);
    } catch (error) {
      if (isStreamMissing(error)) return undefined;
      throw error;
    }
  });
  return message?.string() || undefined;
}

/** The revision of the bucket's last write; 0 where nothing was ever written. */
export async function readRevision(connection: Connection, bucket: string): Promise<number> {
  const message = await connection.askAgain(`read the revision of ${bucket}`, () => lastOf(connection, bucket, '>'));
  return message?.seq ?? 0;
}

/** Where the bucket stands; undefined while there is none. */
export async function readHead(connection: Connection, bucket: string): Promise<Head | undefined> {
  // In this order: of a bucket made anew in between this is too high a revision, and nobody takes what is not there for all.
  const revision = await readRevision(connection, bucket).catch((error) => {
    if (error instanceof BusUnavailable && isStreamMissing(error.cause)) return undefined;
    throw error;
  });
  if (revision === undefined) return undefined;
  const epoch = await readEpoch(connection, bucket);
  return epoch === undefined ? undefined : { epoch, revision };
}

function lastOf(connection: Connection, bucket: string, keyPattern: string): Promise<StoredMsg | undefined> {
  return storedIn(connection, bucket, { last_by_subj: bucketSubject(bucket, keyPattern) });
}

/** Asks the leader, as a replica may not know yet that the bucket was made anew. Undefined where there is no such message. */
export async function storedIn(
  connection: Connection,
  bucket: string,
  query: MsgRequest,
): Promise<StoredMsg | undefined> {
  try {
    return (await connection.manager.streams.getMessage(bucketStream(bucket), query)) ?? undefined;
  } catch (error) {
    if (hasCode(error, JetStreamApiCodes.NoMessageFound)) return undefined;
    throw error;
  }
}
