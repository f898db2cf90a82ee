import type { BucketEntry } from '../bus.ts';
import { bucketEntry, bucketStream, bucketSubject, storedIn } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { hedge } from './hedge.ts';

/** A request that has no answer is made once more. More would only add to what keeps a busy server from answering. */
const again = { afterMs: 1500, most: 2, discard() {} };

/**
 * What a bucket has behind one revision and up to another, in order, so many entries at most; fewer where its leader ceases
 * to answer amid them. Where the last ones were overwritten by now, the first entry that is there behind them is among
 * what it gives. By one request after the other, which takes no consumer, and of the leader alone: of replicas one may know less
 * than the one before, and what lies between would be missed.
 */
export async function walk(
  connection: Connection,
  bucket: string,
  behind: number,
  upTo: number,
  most: number,
): Promise<readonly BucketEntry[]> {
  const filter = bucketSubject(bucket, '>');
  const entries: BucketEntry[] = [];
  let revision = behind;
  let over = false;
  try {
    await connection.ask(`read ${bucketStream(bucket)}`, async () => {
      while (!over && revision < upTo && entries.length < most) {
        const query = { seq: revision + 1, next_by_subj: filter };
        const stored = await hedge(() => storedIn(connection, bucket, query), again);
        if (!stored) return;
        revision = stored.seq;
        const key = stored.subject.slice(filter.length - 1);
        entries.push(bucketEntry(key, revision, { headers: stored.header, string: () => stored.string() }));
      }
    });
  } catch (error) {
    if (entries.length === 0) throw error;
  } finally {
    over = true;
  }
  return entries;
}
