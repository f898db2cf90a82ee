import type { BucketEntry } from '../bus.ts';
import { bucketEntry, bucketStream, bucketSubject } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { insist } from './hedge.ts';

/**
 * What a bucket has behind a revision, in order, so many entries at most: by one direct get after the other, which takes
 * no consumer. Any replica answers, so it may be a little behind.
 */
export function walk(connection: Connection, bucket: string, behind: number, most: number): Promise<BucketEntry[]> {
  const stream = bucketStream(bucket);
  const filter = bucketSubject(bucket, '>');
  return connection.ask(`read ${stream}`, async () => {
    const entries: BucketEntry[] = [];
    let revision = behind;
    while (entries.length < most) {
      const query = { seq: revision + 1, next_by_subj: filter };
      const stored = await insist(() => connection.manager.direct.getMessage(stream, query));
      if (!stored) break;
      revision = stored.seq;
      const key = stored.subject.slice(filter.length - 1);
      entries.push(bucketEntry(key, revision, { headers: stored.header, string: () => stored.string() }));
    }
    return entries;
  });
}
