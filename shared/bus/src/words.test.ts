import type { Word } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { SimulatedClock } from './memory/simulated-clock.ts';
import { Words, wordForMs } from './words.ts';

const word = (task: string, tick: number, more: Partial<Word> = {}): Word => ({
  ...{ node: 'n1', service: 's', task, state: 'dead', reading: { incarnation: { boot: 'b', daemon: 'd' }, tick } },
  ...{ atMs: 0, trace: '', ...more },
});

function listen() {
  const clock = new SimulatedClock();
  const news: string[] = [];
  const ahead = new Set<string>();
  const words = new Words({
    clock,
    isAhead: ({ task }) => ahead.has(task),
    onChange: (word) => news.push(word ? `${word.task} ${word.reading.tick}` : 'fewer'),
  });
  return { clock, news, ahead, words, kept: () => [...words].map(({ task, reading }) => `${task} ${reading.tick}`) };
}

test('of what is said of a task the latest counts, and is news once', () => {
  const { words, news, kept } = listen();
  for (const tick of [5, 5, 4, 6]) words.hear(word('t1', tick));
  words.hear(word('t2', 1));
  expect(news).toEqual(['t1 5', 't1 6', 't2 1']);
  expect(kept()).toEqual(['t1 6', 't2 1']);
});

test('a word counts for a minute; that a task is dead for as long as the mesh does not have it', async () => {
  const { clock, words, ahead, news, kept } = listen();
  for (const task of ['t1', 't3']) ahead.add(task);
  words.hear(word('t1', 5));
  words.hear(word('t2', 5));
  words.hear(word('t3', 5, { state: 'unhealthy' }));
  const pass = (ms: number) => clock.settle(Promise.resolve(), ms);
  await pass(wordForMs - 1);
  expect(kept()).toEqual(['t1 5', 't2 5', 't3 5']);
  expect(news).toHaveLength(3);
  await pass(20_000);
  expect(kept()).toEqual(['t1 5']);
  ahead.clear();
  await pass(20_000);
  expect(kept()).toEqual([]);
  expect(news.slice(3)).toEqual(['fewer', 'fewer']);
});

test('one node fills no more than its own part', () => {
  const { words, news, kept } = listen();
  for (let n = 0; n < 3_000; n++) words.hear(word(`t${n}`, 1));
  expect(kept()).toHaveLength(2_000);
  words.hear(word('t0', 2));
  words.hear(word('t1', 1, { node: 'n2' }));
  expect(news.slice(-2)).toEqual(['t0 2', 't1 1']);
});
