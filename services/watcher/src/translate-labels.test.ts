import { expect, it } from 'vitest';
import { wishes } from './translate-labels.ts';

it('takes what is meant for Fairway', () => {
  expect(wishes({ 'fairway.scheduler': 'lc', other: '1' })).toEqual({ 'fairway.scheduler': 'lc' });
});

it('cuts a value that no wish can have, so that the object is not refused for it', () => {
  expect(wishes({ 'fairway.scheduler': 'x'.repeat(5_000) })).toEqual({ 'fairway.scheduler': 'x'.repeat(256) });
});

it('leaves out names that are too long, and what is too many, always the same', () => {
  expect(wishes({ [`fairway.${'x'.repeat(256)}`]: '1' })).toEqual({});
  const many = Array.from({ length: 100 }, (_, n) => [`fairway.${1000 + n}`, '1']);
  const kept = wishes(Object.fromEntries(many.toReversed()));
  expect(kept).toEqual(Object.fromEntries(many.slice(0, 64)));
});
