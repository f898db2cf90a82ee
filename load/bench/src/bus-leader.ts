import { bucketStream, meshBucket } from '@fairway/bus';
import { type Cluster, until } from '@fairway/cluster';

type Jsz = {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly cluster?: { readonly leader?: string } }[];
  }[];
};

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

async function leaderNow({ nodes }: Cluster): Promise<string | undefined> {
  for (const node of nodes) {
    const url = 'http://127.0.0.1:8222/jsz?accounts=true&streams=true';
    const { status, stdout } = await node.exec(['curl', '-sf', '-m', '2', url]);
    if (status !== 0) continue;
    const streams = (JSON.parse(stdout) as Jsz).account_details?.flatMap((held) => held.stream_detail ?? []) ?? [];
    const leader = streams.find(({ name }) => name === bucketStream(meshBucket))?.cluster?.leader;
    // The server on node2 is called node2-nats.
    if (leader) return leader.split('-')[0];
  }
  return undefined;
}
