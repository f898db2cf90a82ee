import { expect, test } from 'vitest';
import { type Jsz, leaderOf, notOnEach } from './jsz.ts';

const streams = ['FAIRWAY_FACTS', 'FAIRWAY_OUTCOMES', 'FAIRWAY_DEAD', 'KV_fairway-mesh'];

/** What a server says where s1 leads all. */
function says(server: string, { has = streams, size = 3, current = [true, true], leader = 's1' } = {}): Jsz {
  const replicas = server === 's1' ? { replicas: current.map((one) => ({ current: one })) } : {};
  return {
    meta_cluster: { leader: 's1', cluster_size: size },
    account_details: [{ stream_detail: has.map((name) => ({ name, cluster: { leader, ...replicas } })) }],
  };
}

const lacks = (s1: Jsz, s2: Jsz, s3: Jsz) =>
  notOnEach(
    new Map([
      ['s1', s1],
      ['s2', s2],
      ['s3', s3],
    ]),
  );

test('nothing is lacking where each has all and its leader knows the others to be current', () => {
  expect(lacks(says('s1'), says('s2'), says('s3'))).toEqual([]);
});

test('a server that lost its disk lacks all, though the leader still calls it current', () => {
  const wiped = { meta_cluster: { cluster_size: 2 } };
  expect(lacks(says('s1'), says('s2'), wiped)).toEqual([
    's3 knows no leader',
    ...streams.map((name) => `${name} is not on s3`),
  ]);
});

test('a server that does not answer lacks all', () => {
  expect(lacks(says('s1'), {}, says('s3'))).toEqual([
    's2 knows no leader',
    ...streams.map((name) => `${name} is not on s2`),
  ]);
});

test('one that knows too few servers takes no part in deciding', () => {
  expect(lacks(says('s1'), says('s2'), says('s3', { size: 2 }))).toEqual(['s3 knows 2 of 3 servers']);
});

test('one stream that one of them has not got is named', () => {
  expect(lacks(says('s1'), says('s2', { has: streams.slice(1) }), says('s3'))).toEqual(['FAIRWAY_FACTS is not on s2']);
});

test('one that has not caught up is counted', () => {
  expect(lacks(says('s1', { current: [true, false] }), says('s2'), says('s3'))).toEqual(
    streams.map((name) => `${name} is current on 2 of 3 servers`),
  );
});

test('where the one who is said to lead does not lead by its own word, nobody does', () => {
  const nobody = streams.map((name) => `nobody leads ${name}`);
  expect(lacks(says('s1'), says('s2', { leader: 's2' }), says('s3', { leader: 's2' }))).toEqual([]);
  expect(lacks(says('s2', { leader: 's3' }), says('s2'), says('s3'))).toEqual(nobody);
});

test('who leads a stream is known by any that says so', () => {
  expect(leaderOf('FAIRWAY_FACTS', [{}, says('s2')])).toBe('s1');
  expect(leaderOf('FAIRWAY_FACTS', [{}])).toBeUndefined();
});
