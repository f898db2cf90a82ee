import { expect, test } from 'vitest';
import type { Played } from './play.ts';
import { comparisonOf, runsOf, tableOf } from './tables.ts';

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

test('runs at random are summed by seed, and by scenario', () => {
  const [one, two] = [played('one', { failed: 1, outageMs: 30, healMs: 2_000 }), played('two', { late: 2, badMs: 9 })];
  const again = played('one', { absent: 5, outageMs: 4, failure: 'x' });
  const rows = runsOf([
    { seed: 7, played: [two, one] },
    { seed: 8, played: [again] },
  ]).split('\n');
  expect(rows.filter((row) => /^. \w+ . \d/.test(row))).toEqual([
    '| 7 | 2 | 0 | 200 | 1 | 2 | 0 | 30 | 9 | 2.0 |',
    '| 8 | 1 | 1 | 100 | 0 | 0 | 5 | 4 | 0 | 1.2 |',
    '| one | 2 | 1 | 200 | 1 | 0 | 5 | 30 | 0 | 2.0 |',
    '| two | 1 | 0 | 100 | 0 | 2 | 0 | 0 | 9 | 1.2 |',
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
