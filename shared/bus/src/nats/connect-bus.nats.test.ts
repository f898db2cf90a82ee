import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { becomes, busContract, type ContractSubject, Desk, Diary, eventually, fact } from '../bus-contract.ts';
import { buckets, deciderConsumer, factStream } from '../streams.ts';
import { bucketStream } from './bucket.ts';
import { connectBus } from './connect-bus.ts';
import { SpawnedServer } from './spawned-server.ts';

/** A server of its own for each test: a test that leaves something behind cannot spoil the next. */
async function open(): Promise<ContractSubject & { server: SpawnedServer }> {
  const server = await SpawnedServer.start();
  const made: Bus[] = [];
  const another = async () => {
    const bus = await connectBus({ servers: server.url, name: `contract ${made.length}` });
    made.push(bus);
    return bus;
  };
  return {
    server,
    bus: await another(),
    another,
    async wipe() {
      await server.stop('SIGKILL');
      await server.wipe();
      await server.start();
    },
    async close() {
      await Promise.all(made.map((bus) => bus.close()));
      await server.remove();
    },
  };
}

busContract('NATS', open);
