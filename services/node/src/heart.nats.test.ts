import { type Bus, connectBus, realClock, subjects, wordMessage } from '@fairway/bus';
import { flood } from '@fairway/bus/flood';
import { SpawnedServer } from '@fairway/bus/spawned-server';
import type { Word } from '@fairway/mesh';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startHeart } from './heart.ts';

const becomes = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });
const incarnation = { boot: 'b', daemon: 'd' };
let tick = 0;
const word = (node: string, task: string): Word => ({
  ...{ node, service: 's', task, state: 'dead', reading: { incarnation, tick: ++tick }, atMs: 1, trace: '' },
});

/** Servers that know nothing of each other: what goes by all ways comes by each. */
async function servers(count: number): Promise<readonly SpawnedServer[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const server = await SpawnedServer.start();
      onTestFinished(() => server.remove());
      return server;
    }),
  );
}

async function connect(server: SpawnedServer, name: string): Promise<Bus> {
  const bus = await connectBus({ servers: server.url, name });
  onTestFinished(() => bus.close());
  return bus;
}

/** A server takes what comes by one connection in its order: it knows by then to what else this one listens. */
async function listens(bus: Bus): Promise<void> {
  const subject = `heard.${bus.sender}`;
  await new Promise<unknown>((resolve) => {
    bus.subscribe(subject, resolve);
    bus.broadcast({ subject, text: '' });
  });
}

/** A node's heart with a connection to each server, and what it hears. */
async function heartOf(node: string, all: readonly SpawnedServer[]) {
  const heard: string[] = [];
  const floods: string[] = [];
  const returns: string[] = [];
  let passedMs = 0;
  const heart = startHeart({
    clock: { ...realClock, nowMs: () => realClock.nowMs() + passedMs },
    tickUs: () => ++tick,
    probe: async () => 'unable',
    onVerdict: () => {},
    onWord: ({ node: of, task }) => void heard.push(`${of} ${task}`),
    onUnreadable: (error) => {
      throw error;
    },
    onFlood: (from) => void floods.push(from),
    onBack: (server) => void returns.push(server),
  });
  onTestFinished(() => heart.stop());
  heart.as({ node, incarnation });
  const states: string[] = [];
  for (const [at, server] of all.entries()) {
    const bus = await connect(server, node);
    heart.through(bus, server.url);
    await listens(bus);
    bus.onState((state) => void states.push(`${at + 1} ${state}`));
  }
  const pass = (ms: number) => {
    passedMs += ms;
  };
  return { heart, heard, floods, states, returns, pass };
}

test('a word reaches others by each server, also while the others stand still and are not known to be lost', async () => {
  const all = await servers(3);
  const [one, other] = await Promise.all(['n1', 'n2'].map((node) => heartOf(node, all)));
  one?.heart.say(word('n1', 't1'));
  await becomes(() => expect(other?.heard).toEqual(['n1 t1', 'n1 t1', 'n1 t1']));
  await Promise.all(all.slice(1).map((server) => server.freeze()));
  one?.heart.say(word('n1', 't2'));
  await becomes(() => expect(other?.heard.slice(3)).toEqual(['n1 t2']));
  expect(one?.heard).toEqual([]);
  for (const server of all) server.thaw();
});

test('a node that floods with words is named; the heart beats on, and those who spoke before or are expected are heard', async () => {
  const [server] = await servers(1);
  if (!server) throw new Error('there is a server');
  const watching = await connect(server, 'watching');
  const { heart, heard, floods } = await heartOf('n1', [server]);
  heart.expect(['n1', 'n4']);
  let beats = 0;
  watching.subscribe(subjects.beat('n1'), () => void beats++);
  watching.broadcast(wordMessage(word('n2', 't1')));
  await becomes(() => expect(heard).toEqual(['n2 t1']));

  onTestFinished(flood(server.url, wordMessage(word('n3', 't1'))));
  await becomes(() => expect(floods).toEqual(['n3']));
  const { length } = heard;
  const before = beats;
  await becomes(() => expect(beats).toBeGreaterThan(before + 5));
  watching.broadcast(wordMessage(word('n2', 't2')));
  watching.broadcast(wordMessage(word('n4', 't1')));
  await becomes(() => expect(heard.slice(length)).toEqual(['n2 t2', 'n4 t1']));
});

test('a node that reached one server alone for a while is told of the next that it reaches, and not at a start', async () => {
  const all = await servers(3);
  const [, second, third] = all;
  if (!second || !third) throw new Error('there are three servers');
  const { states, returns, pass } = await heartOf('n1', all);
  await third.stop('SIGKILL');
  await becomes(() => expect(states).toEqual(['3 lost']));
  await third.start();
  await becomes(() => expect(states).toEqual(['3 lost', '3 connected']));
  expect(returns).toEqual([]);

  await Promise.all([second, third].map((server) => server.stop('SIGKILL')));
  await becomes(() => expect(states.slice(2).sort()).toEqual(['2 lost', '3 lost']));
  // Longer than a start takes.
  pass(60_000);
  await second.start();
  await becomes(() => expect(states.slice(4)).toEqual(['2 connected']));
  expect(returns).toEqual([second.url]);
  await third.start();
  await becomes(() => expect(states.slice(5)).toEqual(['3 connected']));
  expect(returns).toHaveLength(1);
});
