import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as dialTls } from 'node:tls';
import {
  type Bus,
  type BusLog,
  BusUnavailable,
  connectBus,
  deciderConsumer,
  factStream,
  NotPermitted,
  subjects,
} from '@fairway/bus';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ServerUnchanged } from './failures.ts';
import { CredentialsFolder } from './folder.ts';
import { hears } from './hears.ts';
import { TrustedServers } from './trusted-servers.ts';

/** One server; `n1` and `n2` are nodes. */
let all: TrustedServers;
let decider: Bus;
const logged: string[] = [];
const write = (message: string, fields?: unknown) => void logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
const log: BusLog = { info: write, warn: write };

beforeEach(async () => {
  all = await TrustedServers.start(1, [
    { name: 'decider', role: 'decider' },
    { name: 'n1', role: 'node' },
    { name: 'n2', role: 'node' },
  ]);
  decider = await all.connect('decider', { log });
  await decider.provision();
});
afterEach(async () => {
  await all.stop();
  // Whatever was tried: nobody has said a key, nor has the server.
  const said = [...logged, ...all.servers.map(({ output }) => output)].join('\n');
  expect(said).not.toMatch(/\bSU[A-Z2-7]{56}\b|PRIVATE KEY/);
  logged.length = 0;
});

const becomes = (check: () => void | Promise<void>, timeout = 5_000) => vi.waitFor(check, { timeout, interval: 5 });

/** What a bus says of its connection, from now on. */
function statesOf(bus: Bus): string[] {
  const states: string[] = [];
  bus.onState((state) => void states.push(state));
  return states;
}

const container = (node: string, text: string) => ({ subject: subjects.fact(node, 'container', 's'), text });

test('whoever is revoked is cut off within a second, for good, and nobody else notices', async () => {
  const [n1, n2] = await Promise.all([all.connect('n1', { log }), all.connect('n2')]);
  const [first, second, third] = [n1, n2, decider].map(statesOf);
  await n1.publish(container('n1', 'x'), 'x');
  // Somebody took the file while it was good.
  const stolen = `${all.folder.dir}/stolen`;
  await copyFile(all.folder.clientFile('n1'), stolen);

  const startMs = performance.now();
  await all.folder.revoke('n1');
  await becomes(() => expect(first).toEqual(['lost']));
  expect(performance.now() - startMs).toBeLessThan(1_000);

  const told = new AbortController();
  const waits: string[] = [];
  const thief = connectBus({
    servers: all.urls,
    name: 'thief',
    credentials: stolen,
    signal: told.signal,
    onState: (_, detail) => void waits.push(detail),
  });
  await becomes(() => expect(waits.at(-1)).toMatch(/authorization violation/i));
  told.abort(new Error('enough'));
  await expect(thief).rejects.toThrow();
  expect(first).toEqual(['lost']);
  await n2.publish(container('n2', 'x'), 'y');
  expect([second, third]).toEqual([[], []]);
});

test('a key is rotated under traffic: nothing that was acknowledged is lost, and nothing is started again', async () => {
  const n1 = await all.connect('n1', { log });
  const states = statesOf(n1);
  const taken = new Set<string>();
  decider.consume(factStream.name, deciderConsumer, (delivery) => {
    taken.add(delivery.text);
    delivery.ack();
  });
  const acknowledged: string[] = [];
  let on = true;
  let slowestMs = 0;
  const traffic = async (sender: number) => {
    for (let n = 0; on; n++) {
      const text = `${sender}.${n}`;
      const startMs = performance.now();
      // As the outbox does: until it is acknowledged, under the same id.
      for (;;) {
        const stored = await n1.publish(container('n1', text), text).catch((error) => error);
        if (stored === undefined) break;
        expect(stored).toBeInstanceOf(BusUnavailable);
      }
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      acknowledged.push(text);
    }
  };
  const senders = [traffic(1), traffic(2), traffic(3)];
  await becomes(() => expect(acknowledged.length).toBeGreaterThan(100));
  const before = JSON.parse(await readFile(all.folder.clientFile('n1'), 'utf8')) as { seed: string };

  await all.folder.rotate('n1');
  await pause(500);
  // Nothing happens yet: the old key is as good as the new one.
  expect(states).toEqual([]);
  await all.folder.finishRotation('n1');
  await becomes(() => expect(states).toEqual(['lost', 'connected']));
  const atCut = acknowledged.length;
  await becomes(() => expect(acknowledged.length).toBeGreaterThan(atCut + 100));
  on = false;
  await Promise.all(senders);

  await becomes(() => expect(taken.size).toBe(acknowledged.length));
  expect(new Set(acknowledged)).toEqual(taken);
  expect(slowestMs).toBeLessThan(2_000);
  const after = JSON.parse(await readFile(all.folder.clientFile('n1'), 'utf8')) as { seed: string };
  expect(after.seed).not.toBe(before.seed);
  expect(JSON.stringify(logged)).not.toContain(before.seed);
});

test('a promoted node may tell of the swarm, and a demoted one no longer, without a restart', async () => {
  const n1 = await all.connect('n1');
  const tellOfService = () =>
    n1.publish({ subject: subjects.fact('n1', 'service', 's'), text: 'x' }, `${Math.random()}`);
  await expect(tellOfService()).rejects.toThrow(NotPermitted);
  await all.folder.setNodeRole('n1', 'manager');
  await becomes(tellOfService);
  await all.folder.setNodeRole('n1', 'node');
  await becomes(() => expect(tellOfService()).rejects.toThrow(NotPermitted));
});

test('a file that is spoilt while it is used is said, and what was read last is gone on with', async () => {
  const n1 = await all.connect('n1', { log });
  const states = statesOf(n1);
  const file = all.folder.clientFile('n1');
  const good = await readFile(file, 'utf8');
  await writeFile(file, good.slice(0, 120));
  await all.servers[0]?.stop();
  await all.servers[0]?.start();
  await becomes(() => expect(states).toEqual(['lost', 'connected']));
  expect(logged.join('\n')).toMatch(/going on with the credentials held: CredentialsUnusable: .*it is not JSON/);
});

test('certificates are renewed while everybody is connected, and good for whoever connects after it', async () => {
  const states = statesOf(decider);
  await all.folder.renew();
  await (await all.connect('n1')).publish(container('n1', 'x'), 'x');
  expect(states).toEqual([]);
});

/** Why a connection does not come about. */
async function waitsFor(options: Partial<Parameters<typeof connectBus>[0]>): Promise<string> {
  const told = new AbortController();
  const waits: string[] = [];
  const connecting = connectBus({
    servers: all.urls,
    name: 'stranger',
    timeoutMs: 1000,
    signal: told.signal,
    onState: (state, detail) => void waits.push(`${state}: ${detail}`),
    ...options,
  });
  await becomes(() => expect(waits.length).toBeGreaterThan(0));
  told.abort(new Error('enough'));
  await expect(connecting).rejects.toThrow();
  return waits[0] ?? '';
}

test('a server that cannot read its new configuration is told of; what was asked for is carried on when it can', async () => {
  const n1 = await all.connect('n1');
  const states = statesOf(n1);
  const key = join(all.folder.serverDir('s1'), 'server.key');
  const good = await readFile(key, 'utf8');
  await writeFile(key, 'spoilt');
  // With its file gone to the node, nothing here says that the revocation is not through.
  await rm(all.folder.clientFile('n1'));
  await expect(all.folder.revoke('n1')).rejects.toThrow(
    /^ServerUnchanged: s1 did not read .* fairway credentials reload/,
  );
  const added = all.folder.add({ name: 'n3', role: 'node' });
  await expect(added).rejects.toThrow(ServerUnchanged);
  expect(states).toEqual([]);
  await writeFile(key, good);
  expect(await all.folder.reload()).toEqual({ confirmed: ['s1'], unconfirmed: [], elsewhere: [] });
  await becomes(() => expect(states).toEqual(['lost']));
  await (await all.connect('n3')).publish(container('n3', 'x'), 'x');
});

test('TLS without a key, and a key without TLS, are not enough', async () => {
  const [server] = (await all.folder.registry()).servers;
  const to = { host: '127.0.0.1', port: server?.clientPort ?? 0 };
  const ca = await readFile(join(all.folder.serverDir('s1'), 'ca.crt'));
  const connecting = 'CONNECT {"verbose":true}\r\nPING\r\n';
  expect(await hears(dialTls({ ...to, ca }), connecting)).toMatch(/^INFO [\s\S]*-ERR 'Authorization Violation'/);
  // It speaks TLS from the first byte: a challenge to sign is not even sent.
  expect(await hears(dial(to), connecting)).not.toContain('INFO');
});

test('nobody connects without a key, to a server of another authority, or without TLS', async () => {
  const [server] = (await all.folder.registry()).servers;
  const plain = `nats://127.0.0.1:${server?.clientPort}`;
  expect(await waitsFor({ servers: plain })).toMatch(/^lost: waiting for /);
  const other = await CredentialsFolder.init(`${all.folder.dir}/other`, () => [
    { ...server, dir: '/nowhere' } as never,
  ]);
  await other.add({ name: 'n1', role: 'node' });
  expect(await waitsFor({ credentials: other.clientFile('n1') })).toMatch(/self-signed certificate|unable to verify/);
  expect(await waitsFor({ credentials: '/nowhere/n1.json' })).toContain('it cannot be read (ENOENT)');
});
