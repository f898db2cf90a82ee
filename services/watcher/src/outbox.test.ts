import { type Bus, BusUnavailable, type Message, readFact } from '@fairway/bus';
import { createLog, untraced } from '@fairway/telemetry';
import { expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { Outbox, type Outgoing } from './outbox.ts';

/** An outbox on a bus whose publishes end when the test says so. */
function open() {
  const clock = new ManualClock();
  const under: { service: string; id: string; end: (error?: Error) => void }[] = [];
  const publish = (message: Message, id: string) =>
    new Promise<void>((resolve, reject) => {
      const fact = readFact(message).body;
      if (fact.kind !== 'service-gone') throw new Error(`unexpected ${fact.kind}`);
      under.push({ service: fact.service, id, end: (error) => (error ? reject(error) : resolve()) });
    });
  const log = createLog('outbox', { FAIRWAY_LOG: 'error' });
  const outbox = new Outbox({ bus: { publish } as unknown as Bus, clock, log, tracer: untraced, onFailure: () => {} });
  const offer = (service: string, more: Partial<Outgoing> = {}) =>
    outbox.offer({
      key: service,
      fact: { kind: 'service-gone', service },
      id: service,
      event: 'test',
      atMs: 0,
      ...more,
    });
  const services = () => under.map(({ service }) => service);
  return { outbox, clock, under, offer, services };
}

it('keeps facts until there is an epoch, and drops those of another one', async () => {
  const { outbox, clock, under, offer, services } = open();
  offer('early');
  expect(services()).toEqual([]);
  outbox.open('node1', 'epoch1');
  offer('a');
  expect(under.map(({ id }) => id)).toEqual(['epoch1:a']);
  outbox.close();
  offer('b');
  under[0]?.end();
  await clock.advance(60_000);
  expect(services()).toEqual(['a']);
});

it('publishes several at a time, a barrier alone and after all before it', async () => {
  const { outbox, clock, under, offer, services } = open();
  outbox.open('node1', 'epoch1');
  offer('a');
  offer('b');
  offer('all', { barrier: true });
  offer('c');
  expect(services()).toEqual(['a', 'b']);
  under[0]?.end();
  await clock.advance(0);
  expect(services()).toEqual(['a', 'b']);
  under[1]?.end();
  await clock.advance(0);
  expect(services()).toEqual(['a', 'b', 'all']);
  under[2]?.end();
  await clock.advance(0);
  expect(services()).toEqual(['a', 'b', 'all', 'c']);
});

it('tries again with the latest of each object, before the barrier behind it', async () => {
  const { outbox, clock, under, offer, services } = open();
  outbox.open('node1', 'epoch1');
  offer('a');
  offer('all', { barrier: true });
  offer('a', { id: 'a2' });
  under[0]?.end(new BusUnavailable('publish'));
  await clock.advance(100);
  expect(services()).toEqual(['a']);
  await clock.advance(100);
  expect(under.map(({ id }) => id)).toEqual(['epoch1:a', 'epoch1:a2']);
  under[1]?.end();
  await clock.advance(0);
  expect(services()).toEqual(['a', 'a', 'all']);
  expect(outbox.size).toBe(1);
});

it('leaves out what the bus will never take', async () => {
  const { outbox, clock, under, offer, services } = open();
  outbox.open('node1', 'epoch1');
  offer('a');
  offer('b');
  under[0]?.end(new Error('too large'));
  under[1]?.end();
  await clock.advance(60_000);
  expect(services()).toEqual(['a', 'b']);
  expect(outbox.size).toBe(0);
});

it('puts a barrier offered again behind all that came since', async () => {
  const { outbox, clock, under, offer, services } = open();
  outbox.open('node1', 'epoch1');
  offer('a');
  offer('all', { barrier: true });
  offer('b');
  offer('all', { barrier: true, id: 'all2' });
  under[0]?.end();
  await clock.advance(0);
  under[1]?.end();
  await clock.advance(0);
  expect(services()).toEqual(['a', 'b', 'all']);
});
