import { bucketStream, meshBucket, streams } from '@fairway/bus';

/** Where a server's monitoring says what it knows of JetStream (docs.nats.io, Monitoring). */
export const jszPath = 'jsz?accounts=true&streams=true';

/** What is read of it. */
export type Jsz = {
  /** Those who decide together what streams there are and where; a server that was just started knows of them later. */
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
  readonly account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[];
};

/** Who leads a stream knows how far the others are; the others know who leads it. */
type StreamDetail = {
  readonly name: string;
  readonly cluster?: { readonly leader?: string; readonly replicas?: readonly { readonly current: boolean }[] };
};

/** The bus's streams. */
const names = [...streams.map(({ name }) => name), bucketStream(meshBucket)];

/** The name of the server that leads a stream, by what servers say; undefined where none knows. */
export function leaderOf(stream: string, seen: Iterable<Jsz>): string | undefined {
  for (const one of seen) {
    const leader = streamOn(one, stream)?.cluster?.leader;
    if (leader) return leader;
  }
  return undefined;
}

/**
 * What of the bus is not on each of its servers, by what each says of itself, by the servers' names; empty where all is.
 * The word of leaders alone is not enough: for a while after a server's end they call it current, and should it have lost
 * its disk meanwhile, there is nothing on it (decision 0011).
 */
export function notOnEach(seen: ReadonlyMap<string, Jsz>): readonly string[] {
  const lacks: string[] = [];
  for (const [server, { meta_cluster }] of seen) {
    const { leader, cluster_size } = meta_cluster ?? {};
    if (leader === undefined) lacks.push(`${server} knows no leader`);
    else if (cluster_size !== seen.size) lacks.push(`${server} knows ${cluster_size} of ${seen.size} servers`);
  }
  for (const name of names) {
    const without = [...seen].flatMap(([server, one]) => (streamOn(one, name) ? [] : [server]));
    if (without.length > 0) lacks.push(`${name} is not on ${without.join(', ')}`);
    const leader = leaderOf(name, seen.values());
    const led = leader === undefined ? undefined : streamOn(seen.get(leader) ?? {}, name)?.cluster;
    const current = led?.leader === leader ? led?.replicas?.filter((replica) => replica.current) : undefined;
    if (!current) lacks.push(`nobody leads ${name}`);
    else if (current.length < seen.size - 1)
      lacks.push(`${name} is current on ${1 + current.length} of ${seen.size} servers`);
  }
  return lacks;
}

function streamOn({ account_details = [] }: Jsz, name: string): StreamDetail | undefined {
  return account_details.flatMap(({ stream_detail = [] }) => stream_detail).find((stream) => stream.name === name);
}
