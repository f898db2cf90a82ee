import { expect, test } from 'vitest';
import { delaysOf, firstKnownMs } from './delays.ts';

const never = Number.POSITIVE_INFINITY;

test('a revision is known once it or a later one is heard', () => {
  const heardMs = Float64Array.of(0, 10, 0, 0, 40, 0);
  expect([...firstKnownMs(heardMs, 1, 5)]).toEqual([10, 40, 40, 40, never]);
  expect([...firstKnownMs(heardMs, 2, 3)]).toEqual([40, 40]);
});

test('what was heard late counts where nothing after it was heard earlier', () => {
  expect([...firstKnownMs(Float64Array.of(0, 30, 20), 1, 2)]).toEqual([20, 20]);
});

test('delays are from the writing on, and the slowest watcher counts for a change', () => {
  const known = [Float64Array.of(101, 205), Float64Array.of(104, 202)];
  expect(delaysOf([100, 200], known)).toEqual({ each: [1, 5, 4, 2], slowest: [4, 5] });
});
