import { expect, test } from 'vitest';
import { placeOf, succeed } from './succession.ts';

test.each([
  [0, 1, 'next'],
  [7, 8, 'next'],
  [7, 9, 'gap'],
  [7, 7, 'known'],
  [7, 3, 'known'],
])('after %i, %i is %s', (seen, revision, place) => {
  expect(placeOf(seen, revision)).toBe(place);
});

const placed = (...revisions: number[]) => revisions.map((revision) => ({ revision }));

test('what came while catching up follows on, without what was caught up with', () => {
  expect(succeed(5, placed(4, 5, 6, 7))).toEqual({ next: placed(6, 7), gap: false });
  expect(succeed(5, [])).toEqual({ next: [], gap: false });
});

test('something missed meanwhile is a gap, and nothing after it counts', () => {
  expect(succeed(5, placed(6, 8, 9))).toEqual({ next: placed(6), gap: true });
  expect(succeed(5, placed(9))).toEqual({ next: [], gap: true });
});
