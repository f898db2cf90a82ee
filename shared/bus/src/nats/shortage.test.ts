import { expect, test } from 'vitest';
import { Shortage } from './shortage.ts';

test('one server has to do once the others were missing for 20 s, counted anew each time', () => {
  let nowMs = 0;
  const said: string[] = [];
  const shortage = new Shortage({ info: () => {}, warn: (line) => void said.push(line) }, () => nowMs);
  expect(shortage.lasts('FACTS')).toBe(false);
  nowMs = 19_999;
  expect(shortage.lasts('FACTS')).toBe(false);
  expect(said).toEqual([]);
  nowMs = 20_000;
  expect(shortage.lasts('FACTS')).toBe(true);
  expect(said).toEqual([
    "bus: too few servers take part; FACTS is kept on one alone. Start the nats-server that is not among meta_cluster.replicas in its leader's /jsz; where it runs, start it anew, and have 2.15.1 or later",
  ]);
  shortage.end();
  expect(shortage.lasts('FACTS')).toBe(false);
});
