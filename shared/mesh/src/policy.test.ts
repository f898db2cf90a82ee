import { expect, test } from 'vitest';
import type { Note } from './outcome.ts';
import { policyOf, schedulers } from './policy.ts';

function read(labels: Record<string, string>) {
  const notes: Note[] = [];
  return { policy: policyOf({ name: 'web', labels }, notes), notes };
}

test('without labels it is round robin, ', () => {
  expect(read({})).toEqual({ policy: { scheduler: 'rr' }, notes: [] });
});

test.each(schedulers)('the scheduler %s', (scheduler) => {
  expect(read({ 'fairway.scheduler': scheduler }).policy.scheduler).toBe(scheduler);
});

test('a label that says nothing known is told, and counts as if it were not there', () => {
  const { policy, notes } = read({ 'fairway.scheduler': 'dh; reboot' });
  expect(policy).toEqual({ scheduler: 'rr' });
  expect(notes).toEqual([
    {
      kind: 'refused',
      about: 'web',
      why: 'label fairway.scheduler=dh; reboot is none of rr, wrr, lc, wlc, sh, mh, sed, nq; it counts as if it were not there',
    },
  ]);
});

test('one packet by itself', () => {
  expect(read({ 'fairway.one-packet': 'true', 'fairway.scheduler': 'sh' })).toEqual({
    policy: { scheduler: 'sh', onePacket: true },
    notes: [],
  });
  expect(read({ 'fairway.one-packet': 'false' })).toEqual({ policy: { scheduler: 'rr' }, notes: [] });
});

test('a label that says nothing known leaves the other one as it is', () => {
  const { policy, notes } = read({ 'fairway.one-packet': 'yes', 'fairway.scheduler': 'dh' });
  expect(policy).toEqual({ scheduler: 'rr' });
  expect(notes.map(({ why }) => why)).toEqual([
    expect.stringMatching(/^label fairway\.scheduler=dh is none of rr, /),
    'label fairway.one-packet=yes is none of true, false; it counts as if it were not there',
  ]);
  expect(read({ 'fairway.one-packet': 'true', 'fairway.scheduler': 'dh' }).policy).toEqual({
    scheduler: 'rr',
    onePacket: true,
  });
});
