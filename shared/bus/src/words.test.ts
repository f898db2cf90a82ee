import type { Word } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { SimulatedClock } from './memory/simulated-clock.ts';
import { Words, wordKeptMs } from './words.ts';

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
    onWord: ({ task, reading }) => news.push(`${task} ${reading.tick}`),
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

test('a word is kept for a minute, and for as long as the mesh does not have it', async () => {
  const { clock, words, ahead, kept } = listen();
  ahead.add('t1');
  words.hear(word('t1', 5));
  words.hear(word('t2', 5));
  const pass = (ms: number) => clock.settle(Promise.resolve(), ms);
  await pass(wordKeptMs - 1);
  expect(kept()).toEqual(['t1 5', 't2 5']);
  await pass(20_000);
  expect(kept()).toEqual(['t1 5']);
  ahead.clear();
  await pass(20_000);
  expect(kept()).toEqual([]);
});

test('one node fills no more than its own part', () => {
  const { words, news, kept } = listen();
  for (let n = 0; n < 3_000; n++) words.hear(word(`t${n}`, 1));
  expect(kept()).toHaveLength(2_000);
  words.hear(word('t0', 2));
  words.hear(word('t1', 1, { node: 'n2' }));
  expect(news.slice(-2)).toEqual(['t0 2', 't1 1']);
});
