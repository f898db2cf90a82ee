import type { JsMsg } from '@nats-io/jetstream';
import type { BucketEntry, BucketFollower, Stoppable } from '../bus.ts';
import { keys } from '../keys.ts';
import { bucketStream, bucketSubject, readEpoch } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { readInOrder } from './ordered.ts';

/** Follows a bucket across the ends of servers, and of the bucket. */
export function followBucket(connection: Connection, bucket: string, follower: BucketFollower): Stoppable {
  const prefixLength = bucketSubject(bucket, '').length;
  let epoch: string | undefined;
  return readInOrder(connection, {
    name: `follow ${bucket}`,
    stream: bucketStream(bucket),
    filter: bucketSubject(bucket, '>'),
    identify: () => readEpoch(connection, bucket),
    begin(identity) {
      epoch = identity;
      follower.begin(identity);
    },
    message(message) {
      const entry = entryOf(message, prefixLength);
      if (entry.key === keys.epoch && entry.text !== epoch) return true;
      follower.entry(entry);
      return false;
    },
    caughtUp: (revision) => follower.caughtUp(revision),
  });
}

function entryOf(message: JsMsg, prefixLength: number): BucketEntry {
  const key = message.subject.slice(prefixLength);
  // A delete leaves a message with this header and no text (NATS ADR-8).
  const deleted = message.headers?.has('KV-Operation') ?? false;
  return deleted ? { key, revision: message.seq } : { key, revision: message.seq, text: message.string() };
}
