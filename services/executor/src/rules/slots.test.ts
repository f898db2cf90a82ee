import type { Address } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { showTarget, type Target } from './rules.ts';
import { assignSlots } from './slots.ts';

const target = (last: number): Target => ({ address: { family: 'ip', text: `10.0.0.${last}` } as Address, port: 80 });
const held = (...lasts: number[]) => new Map(lasts.map((last, slot) => [slot, target(last)]));
const assigned = (from: ReadonlyMap<number, Target>, ...wanted: number[]) =>
  assignSlots(from, wanted.map(target)).map((at) => Number(at.address.text.split('.')[3]));

test.each([
  ['first ones in the order of the wish', held(), [7, 5, 6], [7, 5, 6]],
  ['nothing changes, whatever the order of the wish', held(5, 6, 7), [7, 6, 5], [5, 6, 7]],
  ['a new one goes to the end', held(5, 6), [4, 5, 6], [5, 6, 4]],
  ['the last one moves into the hole', held(5, 6, 7, 8), [5, 7, 8], [5, 8, 7]],
  ['the last one goes', held(5, 6, 7), [5, 6], [5, 6]],
  ['a replacement takes the place', held(5, 6, 7), [5, 7, 9], [5, 9, 7]],
  ['two holes, two movers', held(5, 6, 7, 8), [7, 8], [8, 7]],
  ['none left', held(5, 6), [], []],
  ['the kernel has one twice', held(5, 5, 6), [5, 6], [5, 6]],
] as const)('%s', (_, from, wanted, expected) => {
  expect(assigned(from, ...wanted)).toEqual(expected);
});

test('holes in what the kernel has are filled', () => {
  const torn = new Map([
    [0, target(5)],
    [7, target(6)],
  ]);
  expect(assigned(torn, 5, 6, 8)).toEqual([5, 6, 8]);
});

test('losing one of any number of endpoints changes two slots at most', () => {
  for (let size = 1; size <= 20; size += 1) {
    const all = Array.from({ length: size }, (_, at) => at + 1);
    for (const lost of all) {
      const before = held(...all);
      const after = assignSlots(before, all.filter((one) => one !== lost).map(target));
      const changed = [...before].filter(([slot, one]) => !after[slot] || showTarget(after[slot]) !== showTarget(one));
      expect(changed.length).toBeLessThanOrEqual(2);
      expect(new Set(after.map(showTarget)).size).toBe(size - 1);
    }
  }
});
