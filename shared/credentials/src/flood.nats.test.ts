import { type Bus, Credentials, deciderConsumer, factStream, inboxPrefix, readThrottled, subjects } from '@fairway/bus';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TrustedServers } from './trusted-servers.ts';

/** A decider, two nodes and a console on one server. The node `flood` tells without end. */
let all: TrustedServers;
let decider: Bus;
let calm: Bus;
/** Facts that were stored, in their order: by whom. */
const stored: string[] = [];
const named = new Set<string>();
const lost: string[] = [];
beforeAll(async () => {
  all = await TrustedServers.start(1, [
    { name: 'decider', role: 'decider' },
    { name: 'calm', role: 'node' },
    { name: 'flood', role: 'node' },
    { name: 'console', role: 'console' },
  ]);
  decider = await all.connect('decider');
  await decider.provision();
  decider.consume(factStream.name, deciderConsumer, (delivery) => {
    stored.push(delivery.subject.split('.')[2] ?? '');
    delivery.ack();
  });
  calm = await all.connect('calm');
  const console = await all.connect('console');
  console.subscribe(subjects.throttled('*'), (message) => void named.add(readThrottled(message).sender));
  for (const bus of [decider, calm, console]) bus.onState((state) => state === 'lost' && lost.push(bus.sender));
});
afterAll(() => all.stop());

const count = (sender: string) => stored.filter((one) => one === sender).length;
const container = (sender: string) => subjects.fact(sender, 'container', 's');

/** Tells so many, again where it fails, as a watcher does; returns how many of the other's were stored meanwhile, each time. */
async function tellCalmly(times: number, round: string): Promise<number[]> {
  const between: number[] = [];
  for (let n = 0; n < times; n++) {
    const before = { own: count('calm'), other: count('flood') };
    const id = `${round}${n}`;
    await vi.waitFor(() => calm.publish({ subject: container('calm'), text: id }, id), { timeout: 30_000 });
    await vi.waitFor(() => expect(count('calm')).toBe(before.own + 1), { timeout: 30_000, interval: 5 });
    between.push(count('flood') - before.other);
  }
  return between;
}

test('who waits for answers is made to wait, and named; nobody else waits behind it', async () => {
  const flood = await all.connect('flood');
  let on = true;
  let told = 0;
  const tellOn = async () => {
    while (on) {
      const id = `f${told++}`;
      await vi.waitFor(() => flood.publish({ subject: container('flood'), text: 'x' }, id), { timeout: 60_000 });
    }
  };
  const telling = Array.from({ length: 500 }, tellOn);
  await vi.waitFor(() => expect(count('flood')).toBeGreaterThan(500), { timeout: 30_000 });
  // Of those that wait for their turn, some are stored at a time, and then it is the other's.
  for (const between of await tellCalmly(20, 'a')) expect(between).toBeLessThan(400);

  await vi.waitFor(() => expect(named).toEqual(new Set(['flood'])), { timeout: 60_000 });
  // What was admitted before it was named waits for its turn, 64 before each of the other's, and is stored then.
  await tellCalmly(20, 'b');
  const since = { at: performance.now(), count: count('flood') };
  await vi.waitFor(() => expect(count('flood')).toBeGreaterThan(since.count + 100), { timeout: 30_000 });
  // A hundred a second, and not as many as it likes.
  expect(count('flood') - since.count).toBeLessThan(100 + ((performance.now() - since.at) / 1000) * 150);
  on = false;
  await Promise.all(telling);
  // Nothing that was told is lost.
  await vi.waitFor(() => expect(count('flood')).toBe(told), { timeout: 30_000 });
  expect(lost).toEqual([]);
});

test('who waits for nothing is refused, and named; the others’ facts are stored, and no connection but the flooder’s is cut', async () => {
  named.clear();
  const before = count('flood');
  const credentials = Credentials.read(all.folder.clientFile('flood'));
  const nc = await connect({
    servers: [...all.urls],
    authenticator: credentials.authenticator,
    inboxPrefix: inboxPrefix(credentials),
    tls: { handshakeFirst: true, ca: credentials.authority },
  });
  let sent = 0;
  let on = true;
  const sending = (async () => {
    while (on) {
      for (let n = 0; n < 200; n++, sent++) nc.publish(subjects.tell(container('flood')), 'x'.repeat(300));
      await nc.flush();
    }
  })();
  await vi.waitFor(() => expect(named).toEqual(new Set(['flood'])), { timeout: 30_000 });
  await tellCalmly(20, 'c');
  // One that begins amid it has heard nobody when it is alone.
  const later = await all.connect('decider');
  later.onState((state) => state === 'lost' && lost.push('later'));
  later.expect(['calm', 'flood']);
  await later.provision();
  later.consume(factStream.name, deciderConsumer, (delivery) => {
    stored.push(delivery.subject.split('.')[2] ?? '');
    delivery.ack();
  });
  expect(lost).toEqual([]);
  await decider.close();
  lost.length = 0;
  named.clear();
  decider = later;
  await vi.waitFor(() => expect(named).toEqual(new Set(['flood'])), { timeout: 30_000 });
  await tellCalmly(20, 'd');
  on = false;
  await sending;
  await nc.close();
  expect(count('flood') - before).toBeLessThan(sent / 2);
  expect(await decider.mesh.put('node.n', 'x', 0)).toBeGreaterThan(0);
  expect(lost).toEqual([]);
});
