import { expect, test } from 'vitest';
import { Refusals } from './refusals.ts';

test('a flood is told a few times, with how many there were', () => {
  const refusals = new Refusals();
  const told = Array.from({ length: 1000 }, () => refusals.count('publish', 'fairway.fact.n1.service.s'));
  expect(told.filter((count) => count !== undefined)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
  expect(refusals.count('subscription', 'fairway.fact.n1.service.s')).toBe(1);
});

test('subjects without end are counted together', () => {
  const refusals = new Refusals();
  const told = Array.from({ length: 5000 }, (_, n) => refusals.count('publish', `s${n}`));
  expect(told.filter((count) => count !== undefined).length).toBeLessThan(1020);
});
