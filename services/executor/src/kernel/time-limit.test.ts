import { expect, test } from 'vitest';
import { TimeLimit } from './time-limit.ts';

function limit() {
  const clock = { nowMs: 0 };
  return { clock, limit: new TimeLimit(10, 80, () => clock.nowMs) };
}

test('whoever is killed gives the next ones twice as long, several at once only once, and up to the most', () => {
  const { limit: held } = limit();
  expect(held.ms).toBe(10);
  held.killed(10);
  held.killed(10);
  expect(held.ms).toBe(20);
  held.killed(20);
  held.killed(10);
  expect(held.ms).toBe(40);
  held.killed(40);
  held.killed(80);
  expect(held.ms).toBe(80);
});

test('five minutes after the last was killed they have as long as at first', () => {
  const { clock, limit: held } = limit();
  held.killed(10);
  clock.nowMs = 299_999;
  expect(held.ms).toBe(20);
  held.killed(20);
  clock.nowMs = 599_998;
  expect(held.ms).toBe(40);
  clock.nowMs = 599_999;
  expect(held.ms).toBe(10);
  held.killed(10);
  expect(held.ms).toBe(20);
});
