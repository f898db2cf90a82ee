import { expect, test } from 'vitest';
import { judgeClock } from './judge-clock.ts';

const examined = { looked: ['programs'], findings: [], unable: [] };

test.each([
  [0, []],
  [900, []],
  [-900, []],
  [3_600_000, ["it is 3600.0 s ahead of the console's"]],
  [-1_500, ["it is 1.5 s behind the console's"]],
])('a clock that is %i ms ahead', (aheadMs, found) => {
  const { looked, findings } = judgeClock({ ...examined, clockMs: 10_000_000 + aheadMs }, 10_000_000);
  expect({ looked, found: findings.map(({ what }) => what) }).toEqual({ looked: ['programs', 'its clock'], found });
});

test('an answer that does not tell the clock', () => {
  expect(judgeClock(examined, 10_000_000)).toEqual(examined);
});
