import { bucketStream, bucketSubject, meshBucket, subjects } from '@fairway/bus';
import { until } from '@fairway/cluster';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/** The stream that NATS keeps the mesh bucket in, and the subjects of its keys. */
const stream = bucketStream(meshBucket);
const keySubject = (key: string): string => bucketSubject(meshBucket, key);

const configuredMaxMs = 60_000;

/** Sets how the bucket's stream is kept, on how many servers, and whether it says each entry again; waits for that. */
export async function configureBucket(url: string, replicas: number, republishes: boolean): Promise<void> {
  const nc = await connect({ servers: url });
  const { streams } = await jetstreamManager(nc);
  // What is undefined is left out of the request, which replaces what the stream was told before.
  const republish: object = { republish: republishes ? { src: keySubject('>'), dest: subjects.mesh('>') } : undefined };
  // A server of a cluster that has just started does not know the others for some seconds.
  await until(
    'the bucket to be kept as it should be',
    async () => {
      await streams.update(stream, { num_replicas: replicas, ...republish });
      const { replicas: others = [] } = (await streams.info(stream)).cluster ?? {};
      const current = others.filter((other) => other.current).length;
      return current === replicas - 1 || `${current} other servers have it`;
    },
    { limitMs: configuredMaxMs, everyMs: 100 },
  );
  await nc.close();
}

/** The name of the server that leads the bucket's stream; undefined while none does, or there is one server only. */
export async function leaderOf(url: string): Promise<string | undefined> {
  const nc = await connect({ servers: url });
  const { cluster } = await (await jetstreamManager(nc)).streams.info(stream);
  await nc.close();
  return cluster?.leader;
}
