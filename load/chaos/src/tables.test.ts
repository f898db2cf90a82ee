import { expect, test } from 'vitest';
import type { Played } from './play.ts';
import { comparisonOf, tableOf } from './tables.ts';

const played = (name: string, more: Partial<Played> = {}): Played => ({
  ...{
    name,
    asked: 100,
    failed: 0,
    late: 0,
    absent: 0,
    outageMs: 0,
    badMs: 0,
    unexcused: [],
    healMs: 1234,
    failure: undefined,
  },
  ...more,
});

test('a row for each scenario that was played', () => {
  const lines = tableOf([
    played('one'),
    played('two', { failed: 3, late: 4, absent: 7, outageMs: 5.4, badMs: 6, failure: 'x' }),
  ]);
  expect(lines.split('\n').slice(2)).toEqual([
    '| one | ok | 100 | 0 | 0 | 0 | 0 | 0 | 1.2 |',
    '| two | failed | 100 | 3 | 4 | 7 | 5 | 6 | 1.2 |',
    '',
  ]);
});

test('both meshes side by side, by scenario', () => {
  const docker = [played('one', { failed: 30, outageMs: 5000 }), played('two', { failure: 'x', healMs: 120_000 })];
  expect(
    comparisonOf(docker, [played('one')])
      .split('\n')
      .slice(2),
  ).toEqual([
    '| one | 30 and 0 of 100 | 5000 | 1.2 | 0 and 0 of 100 | 0 | 1.2 |',
    '| two | 0 and 0 of 100 | 0 | not after 120.0 |  |  |  |',
    '',
  ]);
});
