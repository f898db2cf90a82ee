import type { Word } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { SimulatedClock } from './memory/simulated-clock.ts';
import { Words, wordForMs } from './words.ts';

const word = (task: string, tick: number, more: Partial<Word> = {}): Word => ({
  ...{ node: 'n1', service: 's', task, state: 'dead', reading: { incarnation: { boot: 'b', daemon: 'd' }, tick } },
  ...{ atMs: 0, trace: '', ...more },
});

/** Words, and what they tell; the mesh sends to all tasks but those in `settled`. */
function listen() {
  const clock = new SimulatedClock();
  const news: string[] = [];
  const settled = new Set<string>();
  const words = new Words({
    clock,
    withdraws: ({ task, state }) => state !== 'running' && !settled.has(task),
    onChange: (said) => news.push(said ? `${said.task} ${said.state} ${said.reading.tick}` : 'fewer'),
  });
  const pass = (ms: number) => clock.settle(Promise.resolve(), ms);
  return { words, news, settled, pass, kept: () => [...words].map(({ task, reading }) => `${task} ${reading.tick}`) };
}

test('of what is said of a task the latest counts, and is news once', () => {
  const { words, news, kept } = listen();
  for (const tick of [5, 5, 4, 6]) words.hear(word('t1', tick));
  words.hear(word('t2', 1));
  expect(news).toEqual(['t1 dead 5', 't1 dead 6', 't2 dead 1']);
  expect(kept()).toEqual(['t1 6', 't2 1']);
});

test('what changes nothing is no news: of a task that is not sent to, or that a task is well which was', () => {
  const { words, news, settled, kept } = listen();
  settled.add('t1');
  words.hear(word('t1', 5));
  words.hear(word('t2', 5, { state: 'running' }));
  expect(news).toEqual([]);
  words.hear(word('t3', 5, { state: 'unhealthy' }));
  words.hear(word('t3', 6, { state: 'running' }));
  expect(news).toEqual(['t3 unhealthy 5', 't3 running 6']);
  expect(kept()).toEqual(['t1 5', 't2 5', 't3 6']);
});

test('a manager’s word on a task stands beside that of its node, whatever their readings', () => {
  const { words, news, kept } = listen();
  words.hear(word('t1', 1_000_000, { state: 'stopping' }));
  words.hear(word('t1', 7, { state: 'released' }));
  words.hear(word('t1', 7, { state: 'released' }));
  words.hear(word('t1', 6, { state: 'released' }));
  expect(news).toEqual(['t1 stopping 1000000', 't1 released 7']);
  expect(kept()).toEqual(['t1 1000000', 't1 7']);
});

test('a word counts for a minute after it was said last, and its end is told where it was heeded', async () => {
  const { words, news, settled, pass, kept } = listen();
  settled.add('t2');
  for (const task of ['t1', 't2', 't3']) words.hear(word(task, 5));
  await pass(wordForMs / 2);
  words.hear(word('t3', 5));
  await pass(wordForMs / 2 - 1);
  expect(kept()).toEqual(['t1 5', 't2 5', 't3 5']);
  await pass(10_000);
  expect(kept()).toEqual(['t3 5']);
  expect(news).toEqual(['t1 dead 5', 't3 dead 5', 'fewer']);
  settled.add('t3');
  await pass(wordForMs);
  expect(kept()).toEqual([]);
  expect(news).toHaveLength(3);
});

test('one node fills no more than its own part', () => {
  const { words, news, kept } = listen();
  for (let n = 0; n < 3_000; n++) words.hear(word(`t${n}`, 1));
  expect(kept()).toHaveLength(2_000);
  words.hear(word('t0', 2));
  words.hear(word('t1', 1, { node: 'n2' }));
  expect(news.slice(-2)).toEqual(['t0 dead 2', 't1 dead 1']);
});
