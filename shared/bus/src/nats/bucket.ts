import { JetStreamApiCodes } from '@nats-io/jetstream';
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import type { Bucket, BucketEntry } from '../bus.ts';
import { RevisionConflict } from '../bus.ts';
import { keys } from '../keys.ts';
import { MessageTooLarge } from '../message-too-large.ts';
import type { Connection } from './connection.ts';
import { hasCode, isConflict, isStreamMissing } from './failure.ts';
import { followBucket } from './follow.ts';

/** NATS keeps a key-value bucket as a stream of this name. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function bucketSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** Subject, reply and headers count towards the server's limit too. */
const overheadBytes = 512;

/** @throws {MessageTooLarge} where the server would end the connection. */
export function requireSize(connection: Connection, subject: string, text: string): void {
  const sizeBytes = Buffer.byteLength(text);
  const limitBytes = connection.payloadBytesMax - overheadBytes;
  if (sizeBytes > limitBytes) throw new MessageTooLarge(subject, sizeBytes, limitBytes);
}

/** The epoch that the bucket's maker wrote into it; undefined while there is no bucket, or none yet in it. */
export async function readEpoch(connection: Connection, bucket: string): Promise<string | undefined> {
  const stream = bucketStream(bucket);
  return connection.ask(`read the epoch of ${bucket}`, async () => {
    try {
      // Asks the leader: a replica may not know yet that the bucket was made anew.
      const message = await connection.manager.streams.getMessage(stream, {
        last_by_subj: bucketSubject(bucket, keys.epoch),
      });
      return message?.string() || undefined;
    } catch (error) {
      if (isStreamMissing(error) || hasCode(error, JetStreamApiCodes.NoMessageFound)) return undefined;
      throw error;
    }
  });
}

/** Opens a bucket, which need not be there. */
export async function openBucket(connection: Connection, bucket: string): Promise<Bucket> {
  // allow_direct: else every read needs a request that cannot be permitted by key.
  const kv = await new Kvm(connection.jetstream).open(bucket, { allow_direct: true });
  const compared = async <T>(operation: string, key: string, revision: number, write: () => Promise<T>): Promise<T> => {
    try {
      return await connection.ask(`${operation} ${key}`, write);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (isConflict(cause)) throw new RevisionConflict(key, revision, { cause });
      throw error;
    }
  };

  return {
    async get(key) {
      const entry = await connection.ask(`read ${key}`, () => kv.get(key));
      return entry ? asEntry(entry) : undefined;
    },
    async put(key, text, revision) {
      requireSize(connection, bucketSubject(bucket, key), text);
      return compared('write', key, revision, () =>
        // create also takes the place of a delete marker.
        revision === 0 ? kv.create(key, text) : kv.update(key, text, revision),
      );
    },
    async delete(key, revision) {
      if (revision > 0) return compared('delete', key, revision, () => kv.delete(key, { previousSeq: revision }));
      return deleteAbsent(connection, kv, key);
    },
    async lastRevision() {
      const stream = bucketStream(bucket);
      const info = await connection.ask(`look at ${stream}`, () => connection.manager.streams.info(stream));
      return info.state.last_seq;
    },
    follow: (follower) => followBucket(connection, bucket, follower),
  };
}

/** NATS takes an expected revision of 0 in a delete as none, and would delete whatever is there. */
async function deleteAbsent(connection: Connection, kv: KV, key: string): Promise<void> {
  const entry = await connection.ask(`read ${key}`, () => kv.get(key));
  if (entry && entry.operation === 'PUT') throw new RevisionConflict(key, 0);
}

function asEntry(entry: KvEntry): BucketEntry {
  const { key, revision } = entry;
  return entry.operation === 'PUT' ? { key, revision, text: entry.string() } : { key, revision };
}
