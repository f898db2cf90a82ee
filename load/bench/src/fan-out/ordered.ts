import { meshBucket } from '@fairway/bus';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import type { Watcher } from './watcher.ts';

/** As NATS's own client watches a bucket: an ordered consumer for each, made again after each loss. */
export async function connectOrdered(servers: readonly string[], name: string): Promise<Watcher> {
  // As shared/bus connects, so that a lost server is noticed and found again alike.
  const nc = await connect({
    servers: [...servers],
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 2000,
    maxPingOut: 2,
  });
  const kv = await new Kvm(jetstream(nc)).open(meshBucket);
  return {
    async follow(hearing) {
      const entries = await kv.watch();
      for await (const { key, revision, isUpdate, delta } of entries) {
        hearing.entry(key, revision);
        if (!isUpdate && delta === 0) hearing.caughtUp();
      }
    },
  };
}
