import { randomUUID } from 'node:crypto';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/nats-core';
import { BusUnavailable } from '../bus.ts';
import { keys } from '../keys.ts';
import { meshBucket, type StreamShape, streams } from '../streams.ts';
import { subjects } from '../subjects.ts';
import { bucketStream, bucketSubject, readEpoch } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { hasCode, isConflict, isStreamMissing, noSuitablePeers, streamNameInUse } from './failure.ts';
import type { Shortage } from './shortage.ts';

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name'>;

/** Three servers keep what is stored when one of them is lost; with two, either one's loss would stop all writes. */
function replicasOn(servers: number): number {
  return servers >= 3 ? 3 : 1;
}

/** Makes what is missing, changes what differs, and returns the mesh bucket's epoch. Safe to run several times at once. */
export async function provision(connection: Connection, shortage: Shortage): Promise<string> {
  const wanted = [...streams.map(streamConfig), bucketConfig(meshBucket)];
  // At once: on three servers each takes an election, some 0.6 s.
  await Promise.all(wanted.map((shape) => ensureStream(connection, shape, shortage)));
  return ensureEpoch(connection, meshBucket);
}

function streamConfig(shape: StreamShape): Wanted {
  return {
    name: shape.name,
    subjects: [...shape.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(shape.ageMaxMs),
    max_bytes: shape.bytesMax,
    duplicate_window: nanos(shape.dedupMs),
    ...(shape.consumersMax === undefined ? {} : { max_consumers: shape.consumersMax }),
  };
}

/** As NATS makes a bucket (ADR-8), so that its own tools read it. The last write of each key is all that is kept. */
function bucketConfig(bucket: string): Wanted {
  return {
    name: bucketStream(bucket),
    subjects: [bucketSubject(bucket, '>')],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    // Without a bound on its bytes: a bucket that is full would take no change of what it has either. What it has is bounded by
    // what managers list, and each entry by what a message may be.
    max_msgs_per_subject: 1,
    // NATS's own client would purge by them; whoever may write one entry could take all others away.
    allow_rollup_hdrs: false,
    deny_delete: true,
    allow_direct: true,
    republish: { src: bucketSubject(bucket, '>'), dest: subjects.mesh('>') },
  };
}

async function ensureStream(connection: Connection, shape: Wanted, shortage: Shortage): Promise<void> {
  const { streams } = connection.manager;
  const replicas = replicasOn(connection.servers.length);
  await connection.ask(`make stream ${shape.name}`, async () => {
    const held = await streams.info(shape.name).catch((error) => {
      if (!isStreamMissing(error)) throw error;
      return makeStream(connection, shape, replicas, shortage);
    });
    // Whoever was told of one server of a cluster alone must not take the replicas from what others made.
    const wanted: Wanted = {
      ...shape,
      num_replicas: Math.max(replicas, held.config.num_replicas),
      // The server takes another number of consumers for a new stream only.
      max_consumers: held.config.max_consumers,
    };
    const differs = Object.entries(wanted).some(
      ([key, value]) => JSON.stringify(held.config[key as keyof StreamConfig]) !== JSON.stringify(value),
    );
    if (!differs) return;
    try {
      await streams.update(wanted.name, wanted);
      shortage.end();
    } catch (error) {
      // What there is goes on; it is asked for again with the next look at the streams.
      if (!hasCode(error, noSuitablePeers)) throw error;
    }
  });
}

/** Makes a stream, or finds the one that another decider has just made. */
async function makeStream(connection: Connection, shape: Wanted, replicas: number, shortage: Shortage) {
  const { streams } = connection.manager;
  try {
    const made = await streams.add({ ...shape, num_replicas: replicas });
    shortage.end();
    return made;
  } catch (error) {
    if (hasCode(error, streamNameInUse)) return streams.info(shape.name);
    if (hasCode(error, noSuitablePeers) && shortage.lasts(shape.name))
      return streams.add({ ...shape, num_replicas: 1 });
    throw error;
  }
}

/** Of several who try, one writes it, and all read what that one wrote. */
async function ensureEpoch(connection: Connection, bucket: string): Promise<string> {
  const held = await readEpoch(connection, bucket);
  if (held !== undefined) return held;
  const mine = randomUUID();
  const kv = await new Kvm(connection.jetstream).open(bucket, { allow_direct: true });
  try {
    await connection.ask(`write the epoch of ${bucket}`, () => kv.create(keys.epoch, mine));
    return mine;
  } catch (error) {
    if (!(error instanceof BusUnavailable && isConflict(error.cause))) throw error;
  }
  const theirs = await readEpoch(connection, bucket);
  if (theirs === undefined) throw new BusUnavailable(`read the epoch of ${bucket}, which was just written`);
  return theirs;
}
