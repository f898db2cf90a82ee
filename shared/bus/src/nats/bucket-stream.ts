import { JetStreamApiCodes } from '@nats-io/jetstream';
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

/** The epoch that the bucket's maker wrote into it; undefined while there is no bucket, or none yet in it. */
export async function readEpoch(connection: Connection, bucket: string): Promise<string | undefined> {
  const stream = bucketStream(bucket);
  return connection.askAgain(`read the epoch of ${bucket}`, async () => {
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
