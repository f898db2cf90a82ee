import { expect, test } from 'vitest';
import { judge, spellsOf } from './verdict.ts';

const bad = (atMs: number, { what = 'ECONNREFUSED', target = 'a:1', tookMs = 10, connectMs = 0 } = {}) => ({
  bad: what,
  target,
  atMs,
  tookMs,
  connectMs,
});
const blow = { what: 'node2 loses its power', atMs: 1_000, badMaxMs: 500 };

test('a bad request is excused for so long after a blow, and one that was under way when it struck', () => {
  const requests = [bad(995), bad(1_400), bad(1_501), bad(900)];
  const { failed, badMs, unexcused } = judge(requests, { blows: [blow], absences: [], startMs: 0 });
  expect({ failed, badMs }).toEqual({ failed: 4, badMs: 501 });
  expect(unexcused.map(({ atMs }) => atMs)).toEqual([900, 1_501]);
});

test('a blow that is to be nothing to anybody excuses none', () => {
  expect(judge([bad(1_001)], { blows: [{ ...blow, badMaxMs: 0 }], absences: [], startMs: 0 }).unexcused).toHaveLength(
    1,
  );
});

test('a late answer needs an excuse where the first packet was lost twice', () => {
  const requests = [bad(1_000, { what: 'late', tookMs: 2_899 }), bad(1_000, { what: 'late', tookMs: 3_010 })];
  expect(judge(requests, { blows: [], absences: [], startMs: 0 })).toMatchObject({ late: 2, unexcused: [requests[1]] });
});

test('what is asked of a node that is cut off is not counted, and what others are asked is', () => {
  const absence = { address: 'a', fromMs: 1_000, toMs: 2_000 };
  expect(
    judge([bad(995), bad(1_500), bad(2_001), bad(1_500, { target: 'b:1' })], {
      blows: [],
      absences: [absence],
      startMs: 0,
    }),
  ).toMatchObject({
    failed: 2,
    absent: 2,
    unexcused: [bad(1_500, { target: 'b:1' }), bad(2_001)],
  });
});

test('for how long it was bad counts from this scenario’s own blows', () => {
  const blows = [{ ...blow, atMs: -60_000 }, blow];
  const badFor = (atMs: number) => judge([bad(atMs)], { blows, absences: [], startMs: 0 }).badMs;
  expect([badFor(500), badFor(1_300)]).toEqual([0, 300]);
});

test('an outage is of one node, and ends with what it answers for a while', () => {
  const requests = [bad(1_000), bad(1_200), bad(1_300), bad(1_600), bad(1_100, { target: 'b:1', what: 'late' })];
  expect(judge(requests, { blows: [blow], absences: [], startMs: 0 })).toMatchObject({
    failed: 4,
    late: 1,
    outageMs: 300,
  });
});

test('bad requests of one kind by one target are a spell until a second has none', () => {
  const late = { what: 'late', tookMs: 3_010 };
  const other = { target: 'b:1' };
  const spells = spellsOf([
    bad(1_000),
    bad(2_000, { connectMs: 7 }),
    bad(1_500, late),
    bad(1_600, other),
    bad(3_001),
    bad(500, { tookMs: 3 }),
  ]);
  const usual = { shortestMs: 10, longestMs: 10, connectMs: 0 };
  expect(spells).toEqual([
    {
      first: bad(500, { tookMs: 3 }),
      last: bad(2_000, { connectMs: 7 }),
      count: 3,
      shortestMs: 3,
      longestMs: 10,
      connectMs: 7,
    },
    { first: bad(1_500, late), last: bad(1_500, late), count: 1, shortestMs: 3_010, longestMs: 3_010, connectMs: 0 },
    { first: bad(1_600, other), last: bad(1_600, other), count: 1, ...usual },
    { first: bad(3_001), last: bad(3_001), count: 1, ...usual },
  ]);
});
