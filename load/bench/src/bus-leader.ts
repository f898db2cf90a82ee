import type { ClusterNode } from '@fairway/cluster';

type Jsz = {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly cluster?: { readonly leader?: string } }[];
  }[];
};

/** The name of the node whose server leads the mesh's bucket; undefined while there is none. */
export async function meshLeader(nodes: readonly ClusterNode[]): Promise<string | undefined> {
  for (const node of nodes) {
    const url = 'http://127.0.0.1:8222/jsz?accounts=true&streams=true';
    const { status, stdout } = await node.exec(['curl', '-sf', '-m', '2', url]);
    if (status !== 0) continue;
    const streams = (JSON.parse(stdout) as Jsz).account_details?.flatMap((held) => held.stream_detail ?? []) ?? [];
    const leader = streams.find(({ name }) => name === 'KV_fairway-mesh')?.cluster?.leader;
    // The server on node2 is called node2-nats.
    if (leader) return leader.split('-')[0];
  }
  return undefined;
}
