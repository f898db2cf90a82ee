import { expect, test } from 'vitest';
import { NetworkReach } from './network-reach.ts';

const tasks = (...pairs: readonly [string, string][]) => new Map(pairs);
const nobody = new Set<string>();

function look(reach: NetworkReach, wanted: ReadonlyMap<string, string>, reached: ReadonlySet<string>, nowMs: number) {
  reach.find(wanted, reached);
  reach.lookedFor(wanted, nowMs);
}

test('what was found counts while its task is there, and for no other at its address', () => {
  const reach = new NetworkReach();
  look(reach, tasks(['10.0.1.6', 't6'], ['10.0.1.7', 't7']), new Set(['10.0.1.6', '10.0.1.7']), 0);
  reach.keepOnly(tasks(['10.0.1.6', 't6'], ['10.0.1.7', 't70']));
  expect(reach.addresses).toEqual(new Set(['10.0.1.6']));
  expect(reach.isDue(tasks(['10.0.1.6', 't6']), 0)).toBe(false);
  expect(reach.isDue(tasks(['10.0.1.7', 't70']), 0)).toBe(true);
});

test('what is missing is looked for again after as long as it has been missing, up to 10 s', () => {
  const reach = new NetworkReach();
  const wanted = tasks(['10.0.1.6', 't6']);
  let nowMs = 0;
  const looksMs: number[] = [];
  while (nowMs < 60_000) {
    expect(reach.isDue(wanted, nowMs)).toBe(true);
    looksMs.push(nowMs);
    look(reach, wanted, nobody, nowMs);
    expect(reach.isDue(wanted, nowMs + 1)).toBe(false);
    nowMs = reach.dueMs ?? Number.POSITIVE_INFINITY;
  }
  expect(looksMs.slice(0, 6)).toEqual([0, 20, 40, 80, 160, 320]);
  expect(looksMs.at(-1)).toBeGreaterThan(50_000);
  expect(looksMs.length).toBeLessThan(20);
});

test('one that has been missing for long holds up no other', () => {
  const reach = new NetworkReach();
  const old = tasks(['10.0.1.6', 't6']);
  look(reach, old, nobody, 0);
  look(reach, old, nobody, 100_000);
  expect(reach.dueMs).toBe(110_000);
  const both = tasks(...old, ['10.0.1.7', 't7']);
  expect(reach.isDue(both, 100_001)).toBe(true);
  look(reach, both, nobody, 100_001);
  expect(reach.dueMs).toBe(100_021);
  look(reach, both, new Set(['10.0.1.6', '10.0.1.7']), 100_021);
  expect(reach.dueMs).toBeUndefined();
});

test('nothing is missing of tasks that are there no longer', () => {
  const reach = new NetworkReach();
  look(reach, tasks(['10.0.1.6', 't6']), nobody, 0);
  reach.keepOnly(tasks());
  expect(reach.dueMs).toBeUndefined();
});

test('one that was found ahead is not looked for, and one that was not is as new when it serves', () => {
  const reach = new NetworkReach();
  const coming = tasks(['10.0.1.6', 't6'], ['10.0.1.7', 't7']);
  reach.find(coming, new Set(['10.0.1.6']));
  expect(reach.dueMs).toBeUndefined();
  expect(reach.isDue(tasks(['10.0.1.6', 't6']), 50)).toBe(false);
  look(reach, tasks(['10.0.1.8', 't8']), nobody, 50);
  expect(reach.isDue(coming, 51)).toBe(true);
});

test('a look ahead takes nothing back of what is assumed', () => {
  const reach = new NetworkReach();
  reach.assume(tasks(['10.0.1.6', 't6']));
  reach.find(tasks(['10.0.1.7', 't7']), nobody);
  expect(reach.addresses).toEqual(new Set(['10.0.1.6']));
  reach.assume(tasks());
  expect(reach.addresses).toEqual(nobody);
});
