import { SimulatedClock } from '@fairway/bus';
import { expect, test } from 'vitest';
import { Inbox } from './inbox.ts';

/** An inbox that gathers for 10 ms, and whose handler takes 25 ms; what it handled, and when it began. */
function open() {
  const clock = new SimulatedClock();
  const handled: string[] = [];
  const inbox = new Inbox<string>({
    gatherMs: 10,
    clock,
    handle: (key, items) => {
      handled.push(`${clock.nowMs()} ${key}: ${items.join(' ')}`);
      return new Promise((resolve) => void clock.after(25, resolve));
    },
  });
  const pass = (forMs: number) => clock.settle(Promise.resolve(), forMs);
  return { inbox, handled, pass };
}

test('what comes within the time from the first on is handled at once, each key by itself', async () => {
  const { inbox, handled, pass } = open();
  inbox.add('a', '1');
  await pass(4);
  inbox.add('b', '2');
  inbox.add('a', '3');
  await pass(5);
  expect(handled).toEqual([]);
  await pass(100);
  expect(handled).toEqual(['10 a: 1 3', '14 b: 2']);
});

test('what comes while its key is being handled waits for the end, and is gathered then', async () => {
  const { inbox, handled, pass } = open();
  inbox.add('a', '1');
  await pass(11);
  inbox.add('a', '2');
  await pass(20);
  inbox.add('a', '3');
  expect(handled).toEqual(['10 a: 1']);
  await pass(100);
  expect(handled).toEqual(['10 a: 1', '45 a: 2 3']);
});
