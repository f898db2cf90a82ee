import { readWord, SimulatedClock, wordAllowance, wordEveryMs, wordMessage } from '@fairway/bus';
import { type ContainerFact, type Endpoint, emptyMesh, type Word } from '@fairway/mesh';
import type { Own } from '@fairway/watcher';
import { expect, test } from 'vitest';
import { OwnWords } from './own-words.ts';

const incarnation = { boot: 'b', daemon: 'd' };
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const claim = {
  id: 'n1',
  name: 'n1',
  index: 1,
  role: 'manager',
  availability: 'active',
  state: 'ready',
  labels: {},
} as const;
const manager = { claim, retired: [], causes: [] };
const spec = { id: 's', name: 's', index: 1, mode: 'vip', ports: [], vips: [], labels: {} } as const;

/** A node n1 with tasks of service `s`, which the mesh has running since tick 10; what it says of those that change. */
function node(count = 1) {
  const clock = new SimulatedClock();
  const said: Word[] = [];
  const held = (n: number, more: Partial<Endpoint> = {}): Endpoint => ({
    ...{ task: `t${n}`, node: 'n1', claim: 'running', index: 1, addresses: [], container: 'running', incarnation },
    ...{ tick: 10, sinceMs: 0, ...more },
  });
  let endpoints = Array.from({ length: count }, (_, n) => held(n + 1));
  const words = new OwnWords({
    clock,
    wallMs: Date.now,
    mesh: () => ({
      ...emptyMesh('e'),
      nodes: new Map([['n1', manager]]),
      services: new Map([['s', { spec, endpoints, causes: [], seen: 1 }]]),
    }),
    say: (word) => said.push(word),
  });
  const own: Own = { node: 'n1', incarnation, containers: new Map() };
  let tick = 10;
  return {
    said,
    pass: (ms: number) => clock.settle(Promise.resolve(), ms),
    becomes(task: string, state: ContainerFact['state']) {
      tick++;
      words.heed({ kind: 'container', task, service: 's', container: 'c', state, tick, trace }, own);
    },
    releases: (...tasks: (readonly [string, number])[]) =>
      words.heed({ kind: 'released', service: 's', tasks: new Map(tasks) }, own),
    stop: () => words.stop(),
    forgets: (task: string) => words.heed({ kind: 'forgotten', task }, own),
    leaves: () => words.heed({ kind: 'left' }, undefined),
    meshHas: (...more: Partial<Endpoint>[]) => {
      endpoints = more.map((one, n) => held(n + 1, one));
    },
    take: () => said.splice(0).map(({ task, state, reading }) => `${task} ${state} ${reading.tick}`),
  };
}

test('said is what sends away from a task that the mesh sends to, and once what takes that back', () => {
  const { becomes, take } = node();
  for (const state of ['running', 'unhealthy', 'running', 'running', 'stopping', 'dead'] as const) becomes('t1', state);
  expect(take()).toEqual(['t1 unhealthy 12', 't1 running 13', 't1 stopping 15', 't1 dead 16']);
  becomes('t9', 'dead');
  expect(take()).toEqual([]);
});

test('a word is said again until the mesh says so too, or there is nothing more to say', async () => {
  const { becomes, take, pass, meshHas, forgets, leaves } = node(4);
  for (const task of ['t1', 't2', 't3', 't4']) becomes(task, 'dead');
  const all = ['t1 dead 11', 't2 dead 12', 't3 dead 13', 't4 dead 14'];
  expect(take()).toEqual(all);
  await pass(wordEveryMs);
  expect(take()).toEqual(all);
  meshHas({ container: 'dead', tick: 11 }, {}, {}, {});
  forgets('t2');
  await pass(wordEveryMs);
  expect(take()).toEqual(all.slice(2));
  meshHas({}, {}, {});
  await pass(wordEveryMs);
  expect(take()).toEqual(all.slice(2, 3));
  leaves();
  await pass(wordEveryMs);
  expect(take()).toEqual([]);
});

test('the word is of this node, in its life, with the trace of the event, and can be read', () => {
  const { becomes, said } = node();
  becomes('t1', 'dead');
  const [word] = said;
  expect(word).toEqual({
    ...{ node: 'n1', service: 's', task: 't1', state: 'dead', trace },
    ...{ reading: { incarnation, tick: 11 }, atMs: expect.any(Number) },
  });
  expect(word && readWord(wordMessage(word))).toEqual(word);
});

test('that a task is released is said where the mesh does not say so soon, and again until it does', async () => {
  const { releases, take, pass, meshHas, stop } = node(3);
  releases(['t1', 2], ['t2', 1], ['t3', 2]);
  expect(take()).toEqual([]);
  meshHas({}, {}, { claim: 'released', index: 2 });
  await pass(1_000);
  // Of t2 the mesh knows what is as new as that.
  expect(take()).toEqual(['t1 released 2']);
  releases(['t1', 2], ['t2', 2], ['t3', 2]);
  await pass(1_000);
  expect(take()).toEqual(['t2 released 2']);
  await pass(wordEveryMs);
  expect(take().sort()).toEqual(['t1 released 2', 't2 released 2']);
  // A swarm that was restored wants one of them again, and the mesh has the other.
  releases(['t2', 2]);
  meshHas({}, { claim: 'released', index: 2 });
  await pass(2 * wordEveryMs);
  expect(take()).toEqual([]);
  meshHas({}, {}, {});
  releases(['t1', 3]);
  stop();
  await pass(1_000);
  expect(take()).toEqual([]);
});

test('thousands that are released at once hold up nothing that a node says of its own tasks', async () => {
  const { burst, perSecond } = wordAllowance;
  const count = 2 * burst;
  const { releases, becomes, take, pass } = node(count);
  releases(...Array.from({ length: count }, (_, n) => [`t${n + 1}`, 2] as const));
  await pass(900);
  expect(take()).toHaveLength(burst);
  for (const task of ['t1', 't2']) becomes(task, 'dead');
  expect(take()).toEqual(['t1 dead 11', 't2 dead 12']);
  await pass(1_000);
  expect(take().length).toBeLessThanOrEqual(2 * perSecond);
});

test('no more is said at once than others hear, the rest when it may; that a task is well again always', async () => {
  const { burst, perSecond } = wordAllowance;
  const count = burst + 100;
  const { becomes, take, pass } = node(count);
  const tasks = Array.from({ length: count }, (_, n) => `t${n + 1}`);
  const unsaid = tasks.slice(burst);
  const takeTasks = () => take().map((said) => said.split(' ')[0]);
  for (const task of tasks) becomes(task, 'unhealthy');
  expect(takeTasks()).toEqual(tasks.slice(0, burst));
  for (const task of tasks.slice(0, 50)) becomes(task, 'running');
  expect(takeTasks()).toEqual(tasks.slice(0, 50));
  await pass(1_000);
  expect(takeTasks()).toEqual(unsaid.slice(0, perSecond));
  await pass(10_000);
  expect(takeTasks()).toEqual(unsaid.slice(perSecond));
  // All that stands is said once in so long, those that were said first first.
  await pass(wordEveryMs);
  expect(takeTasks()).toEqual(expect.arrayContaining(tasks.slice(50)));
});
