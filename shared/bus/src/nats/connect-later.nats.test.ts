import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Bus, BusUnavailable, type NodeBus, type Stoppable } from '../bus.ts';
import { Diary } from '../bus-contract.ts';
import { keys } from '../keys.ts';
import { connectBus } from './connect-bus.ts';
import { connectBusLater } from './connect-later.ts';
import { openOldServer } from './old-server.ts';
import { SpawnedServer } from './spawned-server.ts';

const subject = 'fairway.sentinel.test';

let server: SpawnedServer;
let bus: NodeBus;
let warned: string[];
const log = { info: () => {}, warn: (message: string) => void warned.push(message) };
const opened: Bus[] = [];

/** Somebody else on the bus, who finds it there. */
async function other(): Promise<Bus> {
  const made = await connectBus({ servers: server.url, name: 'other' });
  opened.push(made);
  return made;
}

beforeEach(async () => {
  warned = [];
  server = await SpawnedServer.reserve();
  bus = connectBusLater({ servers: server.url, name: 'early', log });
});
afterEach(async () => {
  await bus.close();
  for (const one of opened.splice(0)) await one.close();
  await server.remove();
});

test('without a server what is asked is refused at once, and not lost in silence', async () => {
  await expect(bus.epoch()).rejects.toThrow(BusUnavailable);
  await expect(bus.publish({ subject, text: 'x' }, 'id')).rejects.toThrow(/BusUnavailable.*fairway\.sentinel\.test/);
});

test('who wanted to hear, to follow and to answer does so once a server is there', async () => {
  const heard: string[] = [];
  const states: string[] = [];
  const diary = new Diary();
  bus.onState((state) => void states.push(state));
  bus.subscribe(subject, ({ text }) => void heard.push(text));
  bus.answer('fairway.ask.test', async (text) => `you said ${text}`);
  bus.mesh.follow(diary);
  await server.start();
  const writer = await other();
  const epoch = await writer.provision();
  await vi.waitFor(() => expect(states).toEqual(['connected']), 10_000);
  await vi.waitFor(async () => expect(await bus.epoch()).toBe(epoch), 10_000);
  await writer.mesh.put(keys.service('s1'), 'text', 0);
  await vi.waitFor(() => expect(diary.lines).toEqual([`${keys.service('s1')}=text`]), 10_000);
  writer.broadcast({ subject, text: 'hello' });
  await vi.waitFor(() => expect(heard).toEqual(['hello']), 10_000);
  expect(await writer.ask('fairway.ask.test', 'hello', 5_000)).toBe('you said hello');
});

/** Says it until one of those who hear has heard it. */
async function saying(text: string, heard: readonly string[], asHeard = text): Promise<void> {
  const writer = await other();
  await vi.waitFor(() => {
    writer.broadcast({ subject, text });
    expect(heard).toContain(asHeard);
  }, 10_000);
}

test('who stopped before there was a server hears nothing of it', async () => {
  const heard: string[] = [];
  const stopped: Stoppable = bus.subscribe(subject, ({ text }) => void heard.push(`stopped ${text}`));
  bus.subscribe(subject, ({ text }) => void heard.push(text));
  await stopped.stop();
  await server.start();
  await saying('hello', heard);
  expect(heard).not.toContain('stopped hello');
});

test('who stops while there is one hears nothing more', async () => {
  const heard: string[] = [];
  const one = bus.subscribe(subject, ({ text }) => void heard.push(`one ${text}`));
  bus.subscribe(subject, ({ text }) => void heard.push(text));
  await server.start();
  await saying('hello', heard, 'one hello');
  await one.stop();
  await saying('bye', heard);
  expect(heard).not.toContain('one bye');
});

test('closes while it waits', async () => {
  await vi.waitFor(() => expect(warned.join()).toContain('waiting for'), 10_000);
  await bus.close();
  await expect(bus.epoch()).rejects.toThrow(BusUnavailable);
});

test('closes amid an attempt to which nobody answers', async () => {
  const silent = createServer();
  const accepted = once(silent, 'connection');
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo;
  const beside = connectBusLater({ servers: `nats://127.0.0.1:${port}`, name: 'early', log });
  const [socket] = await accepted;
  warned = [];
  await beside.close();
  // It is said when the attempt ends, after seconds.
  expect(warned.filter((line) => line.includes(`${port}`))).toEqual([]);
  socket.destroy();
  silent.close();
});

test('a server that is too old is said, and the process goes on', async () => {
  const old = await openOldServer();
  const beside = connectBusLater({ servers: old.url, name: 'early', log });
  await vi.waitFor(() => expect(warned.join()).toMatch(/BusTooOld: .* is 2\.9\.10/), 10_000);
  await expect(beside.epoch()).rejects.toThrow(BusUnavailable);
  await beside.close();
  await old.close();
});
