import { SimulatedClock } from '@fairway/bus';
import { expect, test } from 'vitest';
import { Inbox } from './inbox.ts';

/** An inbox that rests for 10 ms, and whose handler takes 25 ms; what it handled, and when it began. */
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

test('the first is handled at once, each key by itself', async () => {
  const { inbox, handled, pass } = open();
  inbox.add('a', '1');
  inbox.add('a', '2');
  await pass(4);
  inbox.add('b', '3');
  await pass(100);
  expect(handled).toEqual(['0 a: 1 2', '4 b: 3']);
});

test('what comes while its key is being handled, or rests, is gathered until the rest is over', async () => {
  const { inbox, handled, pass } = open();
  inbox.add('a', '1');
  await pass(20);
  inbox.add('a', '2');
  await pass(10);
  inbox.add('a', '3');
  expect(handled).toEqual(['0 a: 1']);
  await pass(100);
  expect(handled).toEqual(['0 a: 1', '35 a: 2 3']);
});

test('after a rest in which nothing came, the next is handled at once', async () => {
  const { inbox, handled, pass } = open();
  inbox.add('a', '1');
  await pass(40);
  inbox.add('a', '2');
  await pass(100);
  expect(handled).toEqual(['0 a: 1', '40 a: 2']);
});
