import { expect, test } from 'vitest';
import { identify, isAlive, parseStat } from './identity.ts';

test('the start time is found behind a name with spaces and parentheses', () => {
  const stat =
    '4242 (a (strange) name) S 1 4242 4242 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 11 0 987654 126595440 9000 18446744073709551615';
  expect(parseStat(stat)).toEqual({ state: 'S', threads: 11, startTicks: 987654 });
});

test('this process is alive, and another one that had its pid before is not', () => {
  const own = identify(process.pid);
  if (!own) throw new Error('no identity of the own process');
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
  expect(isAlive({ ...own, bootId: 'another boot' })).toBe(false);
});
