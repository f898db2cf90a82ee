import { expect, test } from 'vitest';
import { findRefused } from './find-refused.ts';

const things = Array.from({ length: 10_000 }, (_, n) => n);

function checking(refused: ReadonlySet<number>) {
  const asked: number[] = [];
  const accepts = async (some: readonly number[]) => {
    asked.push(some.length);
    return !some.some((thing) => refused.has(thing));
  };
  return { asked, accepts };
}

test.each([[[]], [[0]], [[9_999]], [[17, 18, 4_711]]])(
  'of ten thousand these are found in few checks: %j',
  async (refused) => {
    const { asked, accepts } = checking(new Set(refused));
    expect(await findRefused(things, accepts)).toEqual(refused);
    expect(asked.length).toBeLessThanOrEqual(1 + 30 * refused.length);
  },
);

test('where all are refused it gives up', async () => {
  const { asked, accepts } = checking(new Set(things));
  expect(await findRefused(things, accepts)).toBeUndefined();
  expect(asked.length).toBeLessThan(500);
});

test('a single one, and none', async () => {
  expect(await findRefused([1], checking(new Set([1])).accepts)).toEqual([1]);
  expect(await findRefused([], checking(new Set()).accepts)).toEqual([]);
});
