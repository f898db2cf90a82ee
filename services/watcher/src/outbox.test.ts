import { type Bus, BusUnavailable, type Message, readFact } from '@fairway/bus';
import { createLog, describe, type Tracer, untraced } from '@fairway/telemetry';
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
  /** How the spans ended, each begun for what was offered in turn: `1`, or `1: why it failed`. */
  const ended: string[] = [];
  let begun = 0;
  const tracer: Tracer = {
    span(name, options) {
      const n = ++begun;
      const end = ({ error }: { error?: unknown } = {}) =>
        void ended.push(error === undefined ? `${n}` : `${n}: ${describe(error)}`);
      return { ...untraced.span(name, options), end };
    },
  };
  const outbox = new Outbox({ bus: { publish } as unknown as Bus, clock, log, tracer, onFailure: () => {} });
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
  return { outbox, clock, under, offer, services, ended };
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

it('tries again at once when the bus was found again, and pauses as after a first failure then', async () => {
  const { outbox, clock, under, offer } = open();
  outbox.open('node1', 'epoch1');
  offer('a');
  const fail = () => under.at(-1)?.end(new BusUnavailable('publish'));
  for (const pauseMs of [200, 400, 800]) {
    fail();
    await clock.advance(pauseMs);
  }
  fail();
  await clock.advance(0);
  expect(under).toHaveLength(4);
  outbox.retryNow();
  expect(under).toHaveLength(5);
  fail();
  await clock.advance(200);
  expect(under).toHaveLength(6);
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

it('ends the span of each fact once: sent, or failed with the reason why it is not', async () => {
  const { outbox, clock, under, offer, ended } = open();
  const replaced = 'a later fact about the same took its place';
  offer('a');
  offer('a');
  outbox.open('node1', 'epoch1');
  offer('a');
  offer('a');
  under[0]?.end();
  await clock.advance(0);
  offer('a');
  under[1]?.end(new BusUnavailable('publish'));
  await clock.advance(0);
  outbox.stop();
  await clock.advance(60_000);
  expect(ended).toEqual([
    `1: ${replaced}`,
    '2: all is told anew in another epoch',
    '3',
    `4: ${replaced}`,
    '5: the node process stopped',
  ]);
});

it('ends the span of a fact whose epoch is over before the bus had it', async () => {
  const { outbox, clock, under, offer, ended } = open();
  outbox.open('node1', 'epoch1');
  offer('a');
  outbox.open('node1', 'epoch2');
  under[0]?.end(new BusUnavailable('publish'));
  await clock.advance(0);
  expect(ended).toEqual(['1: its epoch is over, or the node process stopped']);
});
