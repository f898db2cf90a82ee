import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import type { Bucket, BucketEntry } from '../bus.ts';
import { RevisionConflict } from '../bus.ts';
import { MessageTooLarge } from '../message-too-large.ts';
import { bucketSubject, readRevision } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { isConflict } from './failure.ts';
import { followMesh } from './follow.ts';
import { insistOnWrite } from './hedge.ts';

/** Subject, reply and headers count towards the server's limit too. */
const overheadBytes = 512;

/** @throws {MessageTooLarge} where the server would end the connection. */
export function requireSize(connection: Connection, subject: string, sizeBytes: number): void {
  const limitBytes = connection.payloadBytesMax - overheadBytes;
  if (sizeBytes > limitBytes) throw new MessageTooLarge(subject, sizeBytes, limitBytes);
}

/** Opens a bucket, which need not be there. */
export async function openBucket(connection: Connection, bucket: string): Promise<Bucket> {
  // allow_direct: else every read needs a request that cannot be permitted by key.
  const kv = await new Kvm(connection.jetstream).open(bucket, { allow_direct: true });
  const compared = async <T>(operation: string, key: string, revision: number, write: () => Promise<T>): Promise<T> => {
    try {
      // What is created takes the place of a delete marker, which may be one of after the first time that it was asked for.
      return await connection.ask(`${operation} ${key}`, (signal) =>
        revision > 0 ? insistOnWrite(write, signal) : write(),
      );
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
      requireSize(connection, bucketSubject(bucket, key), Buffer.byteLength(text));
      return compared('write', key, revision, () =>
        // create also takes the place of a delete marker.
        revision === 0 ? kv.create(key, text) : kv.update(key, text, revision),
      );
    },
    async delete(key, revision) {
      if (revision > 0) return compared('delete', key, revision, () => kv.delete(key, { previousSeq: revision }));
      return deleteAbsent(connection, kv, key);
    },
    lastRevision: () => readRevision(connection, bucket),
    follow: (follower) => followMesh(connection, follower),
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
