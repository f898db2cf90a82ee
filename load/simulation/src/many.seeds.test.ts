import { expect, test } from 'vitest';
import { trySeeds } from './try-seeds.ts';
import type { Verdict } from './try-story.ts';

const seeds = 1000;
const steps = 30;

test(`${seeds} seeds end as Docker says, and every invariant holds on the way`, async () => {
  const failing: Verdict[] = [];
  let done = 0;
  await trySeeds(1, seeds, steps, (verdict) => {
    done += 1;
    if (verdict.failures.length > 0) failing.push(verdict);
    return failing.length < 3;
  });
  const replay = ({ seed, failures }: Verdict) =>
    `npm run sim -- --seed ${seed} --steps ${steps} --trace: ${failures[0]}`;
  expect(failing.map(replay)).toEqual([]);
  expect(done).toBe(seeds);
});
