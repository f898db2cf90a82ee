import { bucketStream, meshBucket } from '@fairway/bus';
import { type Cluster, until } from '@fairway/cluster';
import { leaderOf } from '@fairway/credentials';

const limitMs = 60_000;

/**
 * The name of the node whose server leads the mesh's bucket. Where it has to be one of some, the server of another is started
 * anew until it is.
 */
export async function meshLeader(
  cluster: Cluster,
  wanted: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<string> {
  let found = '';
  await until(
    `${wanted?.join(' or ') ?? 'a server'} to lead the mesh's bucket`,
    async () => {
      found = (await leaderNow(cluster)) ?? '';
      if (found === '') return 'nobody does';
      if (!wanted || wanted.includes(found)) return true;
      const server = cluster.process(`${found}.nats`);
      await server.stop();
      await server.start();
      return `${found} did`;
    },
    { limitMs, everyMs: 500, signal },
  );
  return found;
}

async function leaderNow(cluster: Cluster): Promise<string | undefined> {
  const seen = await cluster.busSeen();
  // The server on node2 is called node2-nats.
  return leaderOf(bucketStream(meshBucket), seen.values())?.split('-')[0];
}
