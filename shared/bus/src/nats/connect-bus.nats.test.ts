import { type AddressInfo, connect as connectTcp, createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bus, BusUnavailable } from '../bus.ts';
import { becomes, busContract, type ContractSubject, Desk, Diary, eventually, fact } from '../bus-contract.ts';
import { keys } from '../keys.ts';
import { deciderConsumer, factStream, meshBucket } from '../streams.ts';
import { subjects } from '../subjects.ts';
import { bucketStream, bucketSubject } from './bucket-stream.ts';
import { connectBus } from './connect-bus.ts';
import { openOldServer } from './old-server.ts';
import { SpawnedServer } from './spawned-server.ts';
import { BusTooOld } from './version.ts';

type OnServer = ContractSubject & { readonly server: SpawnedServer };

/** A server of its own for each test: a test that leaves something behind cannot spoil the next. */
async function open(): Promise<OnServer> {
  const server = await SpawnedServer.start();
  const made: Bus[] = [];
  const another = async () => {
    const bus = await connectBus({ servers: server.url, name: `contract ${made.length}`, timeoutMs: 1000 });
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

/** Has it listen, and gives its port. */
async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

busContract('NATS', open);

describe('NATS that fails', () => {
  let subject: OnServer;
  let server: SpawnedServer;
  let bus: Bus;
  beforeEach(async () => {
    subject = await open();
    ({ server, bus } = subject);
    await bus.provision();
  });
  afterEach(() => subject.close());

  /** What an operator's own tools do to the server, beside Fairway. */
  async function byHand(work: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<unknown>) {
    const nc = await connect({ servers: server.url });
    await work(await jetstreamManager(nc));
    await nc.close();
  }

  it('killed and started again with its data: nothing lost, nothing twice, within two seconds', async () => {
    const diary = new Diary();
    const desk = new Desk();
    const tailed: number[] = [];
    const states: string[] = [];
    bus.onState((state) => void states.push(state));
    bus.mesh.follow(diary);
    bus.consume(factStream.name, deciderConsumer, (delivery) => {
      desk.take(delivery);
      delivery.ack();
    });
    bus.tail(factStream.name, 'fairway.fact.>', ({ sequence }) => void tailed.push(sequence));
    const written: number[] = [];
    const write = async (n: number) => {
      written.push(await eventually(() => bus.mesh.put(`node.n${n}`, `${n}`, 0)));
      await eventually(() => bus.publish(fact(`f${n}`, `o${n}`), `f${n}`));
    };
    for (let n = 0; n < 20; n++) await write(n);
    await becomes(() => expect(diary.lines).toHaveLength(20));

    await server.stop('SIGKILL');
    await expect(bus.mesh.put('node.n20', '20', 0)).rejects.toThrow(BusUnavailable);
    await server.start();
    const startedMs = performance.now();
    for (let n = 20; n < 40; n++) await write(n);
    await becomes(() => expect(diary.lines).toHaveLength(40));
    await becomes(() => expect(new Set(desk.texts).size).toBe(40));
    await becomes(() => expect(tailed).toHaveLength(40));
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(diary.epochs).toHaveLength(1);
    expect(diary.revisions.slice(-40)).toEqual(written);
    expect(diary.caughtUps.length).toBeGreaterThanOrEqual(2);
    expect(tailed).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    expect(states).toEqual(['lost', 'connected']);
  });

  it('takes no answer of JetStream’s for an entry that is said again', async () => {
    const diary = new Diary();
    bus.mesh.follow(diary);
    await bus.mesh.put('node.a', 'a', 0);
    await becomes(() => expect(diary.lines).toEqual(['node.a=a']));
    await becomes(() => expect(diary.caughtUps).toHaveLength(1));
    const nc = await connect({ servers: server.url });
    const asked: string[] = [];
    nc.subscribe('$JS.API.STREAM.MSG.GET.>', {
      callback: (_, { reply = '' }) => void (reply.startsWith('fairway.') || asked.push(reply)),
    });
    let answers = 0;
    nc.subscribe(subjects.mesh('>'), { callback: () => void answers++ });
    const query = JSON.stringify({ last_by_subj: bucketSubject(meshBucket, 'node.a') });
    for (const key of ['node.a', 'node.b', keys.epoch])
      nc.publish(`$JS.API.STREAM.MSG.GET.${bucketStream(meshBucket)}`, query, { reply: subjects.mesh(key) });
    await becomes(() => expect(answers).toBe(3));
    await bus.mesh.put('node.c', 'c', 0);
    await becomes(() => expect(diary.lines).toEqual(['node.a=a', 'node.c=c']));
    // It would have read the bucket anew for each.
    expect(asked).toEqual([]);
    await nc.close();
  });

  it('says that a follower has caught up also where nothing changed during the loss', async () => {
    const diary = new Diary();
    bus.mesh.follow(diary);
    const revision = await bus.mesh.put('node.a', 'a', 0);
    await becomes(() => expect(diary.caughtUps).toHaveLength(1));
    await becomes(() => expect(diary.lines).toEqual(['node.a=a']));
    await server.stop('SIGKILL');
    await becomes(() => expect(diary.isCurrent).toBe(false));
    await server.start();
    await becomes(() => expect(diary.caughtUps.slice(1)).toEqual([revision]));
    expect(diary.isCurrent).toBe(true);
    expect(diary.lines).toEqual(['node.a=a']);
  });

  it('says that a follower may lack something while nobody says where the bucket stands, and nobody answers', async () => {
    const diary = new Diary();
    bus.mesh.follow(diary);
    await becomes(() => expect(diary.isCurrent).toBe(true));
    await server.freeze();
    await becomes(() => expect(diary.isCurrent).toBe(false));
    server.thaw();
    await becomes(() => expect(diary.isCurrent).toBe(true));
  });

  it('sends the answers that were given while it was away', async () => {
    const desk = new Desk();
    bus.consume(factStream.name, deciderConsumer, desk.take);
    await bus.publish(fact('a'), 'a');
    await becomes(() => expect(desk.deliveries).toHaveLength(1));
    const states: string[] = [];
    bus.onState((state) => void states.push(state));
    await server.stop('SIGTERM');
    await becomes(() => expect(states).toContain('lost'));
    desk.deliveries[0]?.ack();
    await server.start();
    await eventually(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(1));
    expect(desk.deliveries).toHaveLength(1);
  });

  it('stands still and goes on: who follows goes on too', async () => {
    const diary = new Diary();
    const other = await subject.another();
    bus.mesh.follow(diary);
    await bus.mesh.put('node.a', 'a', 0);
    await becomes(() => expect(diary.lines).toEqual(['node.a=a']));
    await server.freeze();
    const failed = await other.mesh.put('node.b', 'b', 0).catch((error) => error);
    expect(failed).toBeInstanceOf(BusUnavailable);
    expect(failed.cause).toBeInstanceOf(Error);
    server.thaw();
    await eventually(() => other.mesh.put('node.c', 'c', 0));
    // The write that had no answer may have been made all the same.
    await becomes(() => expect(diary.lines.at(-1)).toBe('node.c=c'));
    expect(new Set(diary.revisions).size).toBe(diary.revisions.length);
  });

  it('has its stream deleted under who takes from it', async () => {
    const desk = new Desk();
    bus.consume(factStream.name, deciderConsumer, desk.take);
    await bus.publish(fact('a'), 'a');
    await becomes(() => expect(desk.texts).toEqual(['a']));
    await byHand((manager) => manager.streams.delete(factStream.name));
    await expect(bus.publish(fact('b'), 'b')).rejects.toThrow(BusUnavailable);
    await bus.provision();
    await bus.publish(fact('c'), 'c');
    await becomes(() => expect(desk.texts).toEqual(['a', 'c']));
    desk.deliveries[0]?.ack();
    expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(0);
  });

  it('has the durable consumer deleted under who takes from it', async () => {
    const desk = new Desk();
    bus.consume(factStream.name, deciderConsumer, desk.take);
    await bus.publish(fact('a'), 'a');
    await becomes(() => expect(desk.texts).toEqual(['a']));
    await byHand((manager) =>
      manager.consumers.delete(factStream.name, deciderConsumer).catch((error: Error) => {
        // nats-server 2.10.27 deletes it and answers this, where it writes the consumer's state at the same time.
        if (!error.message.includes('directory not empty')) throw error;
      }),
    );
    await becomes(() => expect(desk.texts).toEqual(['a', 'a']));
  });

  it('has the consumer of a tail deleted: what is stored meanwhile is heard, each message of it', async () => {
    const heard: string[] = [];
    bus.tail(factStream.name, 'fairway.fact.>', ({ text }) => void heard.push(text));
    await bus.publish(fact('a'), 'a');
    await becomes(() => expect(heard).toEqual(['a']));
    await byHand(async (manager) => {
      for (const { name } of await manager.consumers.list(factStream.name).next()) {
        await manager.consumers.delete(factStream.name, name);
      }
      for (const text of ['b', 'c', 'd']) await bus.publish(fact(text), text);
    });
    await becomes(() => expect(heard).toEqual(['a', 'b', 'c', 'd']));
  });

  it('has messages removed that nobody has had: nothing is left to be acked', async () => {
    await bus.publish(fact('a'), 'a');
    const taking = bus.consume(factStream.name, deciderConsumer, (delivery) => delivery.ack());
    await eventually(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(1));
    await taking.stop();
    await bus.publish(fact('b'), 'b');
    expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(1);
    await byHand((manager) => manager.streams.deleteMessage(factStream.name, 2));
    await eventually(async () => expect(await bus.ackFloor(factStream.name, deciderConsumer)).toBe(2));
  });

  it('has its bucket made anew with more in it than the old one ever had', async () => {
    const diary = new Diary();
    bus.mesh.follow(diary);
    await bus.mesh.put('node.old', 'old', 0);
    await becomes(() => expect(diary.lines).toEqual(['node.old=old']));
    await byHand((manager) => manager.streams.delete(bucketStream(meshBucket)));
    const epoch = await bus.provision();
    for (let n = 0; n < 10; n++) await bus.mesh.put(`node.n${n}`, 'new', 0);
    await becomes(() => expect(diary.epochs).toEqual([diary.epochs[0], epoch]));
    await becomes(() => expect(diary.lines).toHaveLength(10));
    expect(diary.lines.every((line) => line.endsWith('=new'))).toBe(true);
  });

  describe('a follower that was not told of a change', () => {
    /** Has the server write without a word to who follows. */
    const untold = async (work: () => Promise<void>) => {
      // What is undefined is left out of the request, and a stream's configuration is replaced by it.
      const silent: object = { republish: undefined };
      const republish = { src: bucketSubject(meshBucket, '>'), dest: subjects.mesh('>') };
      await byHand(async (manager) => {
        await manager.streams.update(bucketStream(meshBucket), silent);
        await work();
        await manager.streams.update(bucketStream(meshBucket), { republish });
      });
    };
    const follow = async (reader: Bus) => {
      const diary = new Diary();
      reader.mesh.follow(diary);
      await becomes(() => expect(diary.caughtUps).toHaveLength(1));
      return diary;
    };

    it('reads it once the next one shows that it is missing', async () => {
      const [first, second] = [await follow(bus), await follow(await subject.another())];
      await untold(async () => {
        for (let n = 0; n < 3; n++) await bus.mesh.put(`node.untold${n}`, 'u', 0);
      });
      await bus.mesh.put('node.told', 't', 0);
      for (const diary of [first, second])
        await becomes(() =>
          expect(diary.lines).toEqual(['node.untold0=u', 'node.untold1=u', 'node.untold2=u', 'node.told=t']),
        );
    });

    it('reads the last one of all within two seconds, by the word of whoever looks after the bucket', async () => {
      const diary = await follow(await subject.another());
      await untold(async () => void (await bus.mesh.put('node.last', 'l', 0)));
      const writtenMs = performance.now();
      await becomes(() => expect(diary.lines).toEqual(['node.last=l']));
      expect(performance.now() - writtenMs).toBeLessThan(2000);
    });

    it('hears again once it has read, though writes go on all the time', async () => {
      const diary = await follow(await subject.another());
      await untold(async () => void (await bus.mesh.put('node.untold', 'u', 0)));
      const nc = await connect({ servers: server.url });
      let requests = 0;
      nc.subscribe(`$JS.API.STREAM.MSG.GET.${bucketStream(meshBucket)}`, { callback: () => void requests++ });
      await nc.flush();
      for (let n = 0; n < 300; n++) await bus.mesh.put(`node.n${n}`, `${n}`, 0);
      await becomes(() => expect(diary.lines).toHaveLength(301));
      await nc.close();
      // A round of reading takes five or so, and two each second tell where the bucket stands.
      expect(requests).toBeLessThan(60);
    });

    it('reads it by itself where nobody gives that word', async () => {
      const owner = await subject.another();
      const reader = await connectBus({ servers: server.url, name: 'reader' });
      await bus.close();
      const diary = await follow(reader);
      await untold(async () => void (await owner.mesh.put('node.last', 'l', 0)));
      await becomes(() => expect(diary.lines).toEqual(['node.last=l']));
      await reader.close();
    });

    it('begins again where the bucket has lost its last writes', async () => {
      const early = await follow(bus);
      await bus.mesh.put('node.a', 'kept', 0);
      await server.stop('SIGTERM');
      await server.save();
      await server.start();
      await eventually(() => bus.mesh.put('node.b', 'lost', 0));
      await becomes(() => expect(early.lines).toEqual(['node.a=kept', 'node.b=lost']));
      await server.stop('SIGKILL');
      await server.restore();
      await server.start();
      await becomes(() => expect(early.lines).toEqual(['node.a=kept']));
      expect(new Set(early.epochs).size).toBe(1);
      await eventually(() => bus.mesh.put('node.c', 'new', 0));
      await becomes(() => expect(early.lines).toEqual(['node.a=kept', 'node.c=new']));
    });
  });

  it('has its epoch changed within the bucket', async () => {
    const diary = new Diary();
    bus.mesh.follow(diary);
    await bus.mesh.put('node.a', 'a', 0);
    await becomes(() => expect(diary.caughtUps).toHaveLength(1));
    const held = await bus.mesh.get(keys.epoch);
    await bus.mesh.put(keys.epoch, 'by-hand', held?.revision ?? 0);
    await becomes(() => expect(diary.epochs).toEqual([held?.text, 'by-hand']));
    await becomes(() => expect(diary.lines).toEqual(['node.a=a']));
  });

  it('has a stream with other settings: provisioning puts them right', async () => {
    await byHand((manager) => manager.streams.update(factStream.name, { max_bytes: 1024 * 1024 }));
    await byHand((manager) => manager.streams.update(bucketStream(meshBucket), { allow_direct: false }));
    await bus.provision();
    await byHand(async (manager) => {
      expect((await manager.streams.info(factStream.name)).config.max_bytes).toBe(factStream.bytesMax);
      expect((await manager.streams.info(bucketStream(meshBucket))).config.allow_direct).toBe(true);
    });
  });

  it('is closed while it is away', async () => {
    bus.mesh.follow(new Diary());
    bus.consume(factStream.name, deciderConsumer, new Desk().take);
    await server.stop('SIGKILL');
    await bus.close();
  });

  it("delivers a dead taker's share to another, and nothing twice that somebody still works on", async () => {
    const dead = await subject.another();
    const first = new Desk();
    dead.consume(factStream.name, deciderConsumer, first.take);
    await bus.publish(fact('a'), 'a');
    await becomes(() => expect(first.deliveries).toHaveLength(1));
    const second = new Desk();
    const other = await subject.another();
    other.consume(factStream.name, deciderConsumer, second.take);
    // Longer than the server waits for a word.
    await pause(3_000);
    expect(second.deliveries).toEqual([]);
    await dead.close();
    await becomes(() => expect(second.deliveries.map(({ attempt }) => attempt)).toEqual([2]));
  });
});

describe('connecting', () => {
  it('waits for a server that is not there yet, and says what it waits for', async () => {
    const server = await SpawnedServer.reserve();
    const states: string[] = [];
    const connecting = connectBus({
      servers: server.url,
      name: 'early',
      onState: (state, detail) => void states.push(`${state}: ${detail}`),
    });
    await becomes(() => expect(states.length).toBeGreaterThan(0));
    expect(states[0]).toMatch(/^lost: waiting for nats:\/\/127\.0\.0\.1:\d+: .*refused/);
    await server.start();
    const bus = await connecting;
    expect(states.at(-1)).toMatch(/^connected: /);
    await bus.close();
    await server.remove();
  });

  it('gives a server that is slow longer at each attempt', async () => {
    const server = await SpawnedServer.start();
    const slow = createServer((socket) => {
      const real = connectTcp(Number(new URL(server.url).port), '127.0.0.1');
      real.on('data', async (data) => {
        await pause(500);
        socket.write(data);
      });
      socket.pipe(real);
      for (const end of [socket, real])
        end.on('error', () => {}).on('close', () => [socket, real].map((e) => e.destroy()));
    });
    const port = await listening(slow);
    const states: string[] = [];
    const bus = await connectBus({
      servers: `nats://127.0.0.1:${port}`,
      name: 'patient',
      timeoutMs: 400,
      onState: (state) => void states.push(state),
    });
    expect(states.at(0)).toBe('lost');
    expect(states.at(-1)).toBe('connected');
    await bus.close();
    slow.close();
    await server.remove();
  });

  it('stops waiting when it is told to', async () => {
    const server = await SpawnedServer.reserve();
    const told = new AbortController();
    const connecting = connectBus({ servers: server.url, name: 'early', signal: told.signal });
    told.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow();
    await server.remove();
  });

  it('refuses a server that is too old, and says how to get another', async () => {
    const old = await openOldServer();
    const error = await connectBus({ servers: old.url, name: 'n' }).catch((caught) => caught);
    expect(error).toBeInstanceOf(BusTooOld);
    expect(error.message).toContain('is 2.9.10');
    expect(error.message).toContain('2.10 or later');
    await old.close();
  });
});
