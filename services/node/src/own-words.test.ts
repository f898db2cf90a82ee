import { readWord, realClock, SimulatedClock, wordAllowance, wordMessage } from '@fairway/bus';
import type { ContainerFact } from '@fairway/mesh';
import type { Own, OwnChange } from '@fairway/watcher';
import { expect, test } from 'vitest';
import { OwnWords } from './own-words.ts';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const incarnation = { boot: 'b', daemon: 'd' };

/** Feeds changes of tasks' containers, and answers what was said. */
function node(clock = new SimulatedClock()) {
  const words = new OwnWords(clock, Date.now);
  const containers = new Map<string, { state: ContainerFact['state']; tick: number }>();
  let tick = 0;
  return (task: string, state: ContainerFact['state']) => {
    tick++;
    containers.set(task, { state, tick });
    const own: Own = { node: 'n1', incarnation, containers: new Map(containers) };
    const change: OwnChange = { kind: 'container', task, service: 's', container: 'c', state, tick, trace };
    const word = words.on(change, own);
    return word && `${word.task} ${word.state} ${word.reading.tick}`;
  };
}

test('said is what is to get nothing new, and what may again; not what begins', () => {
  const say = node();
  const lives = ['starting', 'running', 'unhealthy', 'running', 'stopping', 'dead', 'dead'] as const;
  expect(lives.map((state) => say('t1', state))).toEqual([
    undefined,
    undefined,
    't1 unhealthy 3',
    't1 running 4',
    't1 stopping 5',
    't1 dead 6',
    undefined,
  ]);
});

test('nothing is said of what a node finds when it begins', () => {
  expect(node()('t1', 'dead')).toBeUndefined();
});

test('the word is of this node, in its life, with the trace of the event', () => {
  const words = new OwnWords(realClock, Date.now);
  const own = (state: ContainerFact['state'], tick: number): Own => ({
    ...{ node: 'n1', incarnation, containers: new Map([['t1', { state, tick }]]) },
  });
  const change = { kind: 'container', task: 't1', service: 's', container: 'c', trace } as const;
  words.on({ ...change, state: 'running', tick: 1 }, own('running', 1));
  const word = words.on({ ...change, state: 'dead', tick: 2 }, own('dead', 2));
  expect(word).toEqual({
    ...{ node: 'n1', service: 's', task: 't1', state: 'dead', trace },
    ...{ reading: { incarnation, tick: 2 }, atMs: expect.any(Number) },
  });
  expect(word && readWord(wordMessage(word))).toEqual(word);
});

test('no more is said than others hear', async () => {
  const clock = new SimulatedClock();
  const say = node(clock);
  const { burst, perSecond } = wordAllowance;
  const end = (from: number) => {
    const all = Array.from({ length: 2 * burst }, (_, n) => `t${from + n}`);
    for (const task of all) say(task, 'running');
    return all.filter((task) => say(task, 'dead')).length;
  };
  expect(end(0)).toBe(burst);
  await clock.settle(Promise.resolve(), 1_000);
  expect(end(10_000)).toBe(perSecond);
});
