import { expect, test } from 'vitest';
import { beatMessage, readBeat } from './beat.ts';
import { Ear } from './ear.ts';
import { createMemoryBus } from './memory/create-memory-bus.ts';
import { SimulatedClock } from './memory/simulated-clock.ts';
import { subjects } from './subjects.ts';

test('of what cannot be read the first of each sender is told of, and again after one that could be', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const told: string[] = [];
  new Ear(bus.another(), {
    clock,
    subject: subjects.beat,
    allowance: { perSecond: 100, burst: 100 },
    read: readBeat,
    onSaid: ({ node }) => told.push(`${node} beats`),
    onUnreadable: ({ message }) => told.push(message.split(':')[1]?.trim() ?? ''),
    onFlood: () => {},
  });
  const reading = { incarnation: { boot: 'b', daemon: 'd' }, tick: 1 };
  const say = async (node: string, text?: string) => {
    const beat = beatMessage({ node, reading, everyMs: 200 });
    bus.broadcast(text ? { subject: subjects.beat(node), text } : beat);
    await clock.settle(Promise.resolve(), 1);
  };
  for (const text of ['{}', '{', 'x']) await say('n1', text);
  await say('n2', '{}');
  await say('n1');
  await say('n1', '{}');
  expect(told).toEqual(['fairway.beat.n1', 'fairway.beat.n2', 'n1 beats', 'fairway.beat.n1']);
});

test('whose names are made up fill neither the log nor what is listened to, and a name that is none is not heard', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const told: string[] = [];
  const patterns: string[] = [];
  const heard = bus.another();
  const ear = new Ear(
    {
      ...heard,
      subscribe(pattern, handle) {
        patterns.push(pattern);
        return heard.subscribe(pattern, handle);
      },
    },
    {
      clock,
      subject: subjects.beat,
      allowance: { perSecond: 100, burst: 100 },
      read: readBeat,
      onSaid: ({ node }) => told.push(`${node} beats`),
      onUnreadable: () => told.push('unreadable'),
      onFlood: (sender) => told.push(`${sender} floods`),
    },
  );
  const say = async (text: string, ...senders: readonly string[]) => {
    for (const sender of senders) bus.broadcast({ subject: subjects.beat(sender), text });
    await clock.settle(Promise.resolve(), 1);
  };
  const reading = { incarnation: { boot: 'b', daemon: 'd' }, tick: 1 };
  const { text } = beatMessage({ node: 'n1', reading, everyMs: 200 });
  await say('{}', ...Array.from({ length: 500 }, (_, n) => `made-up${n}`));
  expect(told).toEqual(Array.from({ length: 10 }, () => 'unreadable'));
  await say(text, 'n1', '>', '*', 'a b');
  expect(told.slice(10)).toEqual(['n1 beats']);
  await say('{}', ...Array.from({ length: 200 }, () => 'n2'));
  expect(told.slice(11)).toEqual(['n2 floods']);
  expect(ear.shutOut).toEqual(['n2']);
  expect(patterns).toEqual([subjects.beat('*'), subjects.beat('n1')]);
});

test('who is one of too many to be remembered is not heard without bounds', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  let reads = 0;
  new Ear(bus.another(), {
    clock,
    subject: subjects.beat,
    allowance: { perSecond: 100, burst: 100 },
    read: (message) => {
      reads++;
      return readBeat(message);
    },
    onSaid: () => {},
    onUnreadable: () => {},
    onFlood: () => {},
  });
  const say = async (count: number, name: string) => {
    for (let n = 0; n < count; n++) bus.broadcast({ subject: subjects.beat(`${name}${n}`), text: '{}' });
    await clock.settle(Promise.resolve(), 1);
  };
  await say(10_000, 'remembered');
  expect(reads).toBe(10_000);
  await say(10_000, 'another');
  expect(reads).toBeLessThan(10_200);
});
