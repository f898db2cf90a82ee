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

/** A node's heart with a connection to each server, and what it hears. */
async function heartOf(node: string, all: readonly SpawnedServer[]) {
  const heard: string[] = [];
  const floods: string[] = [];
  const heart = startHeart({
    clock: realClock,
    tickUs: () => ++tick,
    probe: async () => 'unable',
    onVerdict: () => {},
    onWord: ({ node: of, task }) => void heard.push(`${of} ${task}`),
    onUnreadable: (error) => {
      throw error;
    },
    onFlood: (from) => void floods.push(from),
  });
  onTestFinished(() => heart.stop());
  heart.as({ node, incarnation });
  for (const server of all) heart.through(await connect(server, node));
  return { heart, heard, floods };
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

test('a node that floods with words is named; the heart beats on, and those who spoke before are heard', async () => {
  const [server] = await servers(1);
  if (!server) throw new Error('there is a server');
  const watching = await connect(server, 'watching');
  const { heard, floods } = await heartOf('n1', [server]);
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
  await becomes(() => expect(heard.slice(length)).toEqual(['n2 t2']));
});
