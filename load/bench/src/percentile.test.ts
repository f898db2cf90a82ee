import { expect, test } from 'vitest';
import { percentile } from './percentile.ts';

test.each([
  [[3, 1, 2], 50, 2],
  [[1, 2, 3, 4], 50, 2],
  [[1, 2, 3, 4], 99, 4],
  [[7], 1, 7],
  [[], 50, Number.NaN],
])('of %j, %i in a hundred: %d', (values, of, expected) => {
  expect(percentile(values, of)).toBe(expected);
});
