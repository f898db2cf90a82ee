import { readFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as dialTls } from 'node:tls';
import {
  type Bus,
  BusUnavailable,
  bucketStream,
  deciderConsumer,
  factStream,
  MeshReplica,
  meshBucket,
  subjects,
  writeNode,
} from '@fairway/bus';
import type { SpawnedServer } from '@fairway/bus/spawned-server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CredentialsFolder } from './folder.ts';
import { hears } from './hears.ts';
import { type Jsz, jszPath, leaderOf, notOnEach } from './jsz.ts';
import { TrustedServers } from './trusted-servers.ts';

/** Three servers with routes over TLS; `n1` is a node. Elections take 4 to 9 s, and some tests see several. */
vi.setConfig({ testTimeout: 120_000 });

let all: TrustedServers;
let decider: Bus;
let node: Bus;
beforeEach(async () => {
  all = await TrustedServers.start(3, [
    { name: 'decider', role: 'decider' },
    { name: 'n1', role: 'node' },
  ]);
  decider = await all.connect('decider');
  await becomes(() => decider.provision());
  node = await all.connect('n1');
}, 60_000);
afterEach(() => all.stop());

const becomes = <T>(check: () => T | Promise<T>, timeout = 40_000) => vi.waitFor(check, { timeout, interval: 20 });

const entry = (n: number) => writeNode({ retired: [`${n}`], causes: [] });

/** Writes until it is written, as deciders do: another try begins by reading. */
async function write(key: string, text: string): Promise<number> {
  return becomes(async () => {
    const held = await decider.mesh.get(key);
    if (held?.text === text) return held.revision;
    return decider.mesh.put(key, text, held?.revision ?? 0);
  });
}

const names = ['s1', 's2', 's3'];
const meshStream = bucketStream(meshBucket);

/** What each server's monitoring says of JetStream, by its name; nothing where it does not answer. */
async function jsz(): Promise<ReadonlyMap<string, Jsz>> {
  const { servers } = await all.folder.registry();
  const asked = servers.map(async ({ name, monitorPort }) => {
    const answer = await fetch(`http://127.0.0.1:${monitorPort}/${jszPath}`).catch(() => undefined);
    return [name, ((await answer?.json()) ?? {}) as Jsz] as const;
  });
  return new Map(await Promise.all(asked));
}

/** Numbers of the servers that lead all of them, the mesh, and the facts. */
async function leaders() {
  const seen = [...(await jsz()).values()];
  const numberOf = (name: string | undefined) => names.indexOf(name ?? '');
  return {
    meta: numberOf(seen.find(({ meta_cluster }) => meta_cluster?.leader)?.meta_cluster?.leader),
    mesh: numberOf(leaderOf(meshStream, seen)),
    facts: numberOf(leaderOf(factStream.name, seen)),
  };
}

/** Both others know who leads, and that it is not this one. */
async function ledWithout(at: number): Promise<void> {
  const others = [...(await jsz())].flatMap(([name, seen]) => (name === names[at] ? [] : [seen]));
  for (const seen of others)
    for (const leader of [
      seen.meta_cluster?.leader,
      ...[factStream.name, meshStream].map((stream) => leaderOf(stream, [seen])),
    ]) {
      expect(names).toContain(leader);
      expect(leader).not.toBe(names[at]);
    }
}

const allHaveAll = async () => expect(notOnEach(await jsz())).toEqual([]);

/** The facts that the decider takes from now on. */
function takenFacts(): ReadonlySet<string> {
  const taken = new Set<string>();
  decider.consume(factStream.name, deciderConsumer, (delivery) => {
    taken.add(delivery.text);
    delivery.ack();
  });
  return taken;
}

function serverAt(at: number): SpawnedServer {
  const server = all.servers[at];
  if (!server) throw new Error(`there is no server ${at}`);
  return server;
}

test('everything is on three servers', async () => {
  await becomes(allHaveAll);
});

test('a reader whose server is killed goes on within 2 s, with nothing lost and nothing twice', async () => {
  const heard: number[] = [];
  // As often as it takes to be on a server that leads nothing: the end of a leader costs an election, too.
  const at = await becomes(async () => {
    let on: number | undefined;
    const reader = await all.connect('n1', {
      onState(_, detail) {
        on ??= all.urls.findIndex((url) => detail.includes(new URL(url).host));
      },
    });
    const { meta, mesh } = await leaders();
    if (on === undefined || on === meta || on === mesh) {
      await reader.close();
      throw new Error(`the reader is on server ${on}, which leads`);
    }
    reader.mesh.follow({ begin() {}, entry: ({ revision }) => void heard.push(revision), caughtUp() {} });
    return on;
  });
  const written: number[] = [];
  for (let n = 0; n < 20; n++) written.push(await write(`node.n${n}`, entry(n)));
  await becomes(() => expect(heard.slice(-20)).toEqual(written));

  const startMs = performance.now();
  await serverAt(at).stop('SIGKILL');
  written.push(await write('node.n20', entry(20)));
  await becomes(() => expect(heard.at(-1)).toBe(written.at(-1)));
  const tookMs = performance.now() - startMs;
  for (let n = 21; n < 40; n++) written.push(await write(`node.n${n}`, entry(n)));
  await becomes(() => expect(heard.slice(-40)).toEqual(written));
  expect(tookMs).toBeLessThan(2_000);
  expect(new Set(heard).size).toBe(heard.length);
});

test('a reader goes on by the server that it is told, with nothing lost and nothing twice', async () => {
  const on: string[] = [];
  const reader = await all.connect('n1', {
    onState: (state, detail) => void (state === 'connected' && on.push(detail.split(' ')[2] ?? '')),
  });
  const heard: number[] = [];
  reader.mesh.follow({ begin() {}, entry: ({ revision }) => void heard.push(revision), caughtUp() {} });
  const written: number[] = [];
  // More often than there are servers: the client's own next one may be the one that it is on.
  for (const [turn, url] of [...all.urls, ...all.urls].entries()) {
    written.push(await write('node.a', entry(turn)));
    await becomes(() => expect(heard.slice(-1)).toEqual(written.slice(-1)));
    reader.goOnBy(url);
    await becomes(() => expect(on.at(-1)).toBe(new URL(url).host));
  }
  await becomes(() => expect(heard.slice(-6)).toEqual(written));
});

test('each server in turn is killed under traffic: nothing acknowledged is lost, changes wait for an election', async () => {
  const replica = new MeshReplica();
  node.mesh.follow(replica.follower);
  const taken = takenFacts();
  const acknowledged = new Set<string>();
  let on = true;
  let slowestMs = 0;
  const facts = async () => {
    for (let n = 0; on; n++) {
      const text = `f${n}`;
      const message = { subject: subjects.fact('n1', 'container', 's'), text };
      await becomes(() => node.publish(message, text));
      acknowledged.add(text);
      // A server that comes back has to catch up with what goes on.
      await pause(5);
    }
  };
  let written = 0;
  const writes = async () => {
    for (let n = 0; on; n++) {
      await write(`node.n${n % 50}`, entry(n));
      written = n;
      await pause(5);
    }
  };
  const traffic = [facts(), writes()];
  try {
    await becomes(() => expect(written).toBeGreaterThan(50));
    for (const at of [0, 1, 2]) {
      await serverAt(at).stop('SIGKILL');
      const before = { facts: acknowledged.size, written };
      await becomes(() => ledWithout(at));
      const ledMs = performance.now();
      // Both go on without it, before it is back.
      await becomes(() => expect(acknowledged.size).toBeGreaterThan(before.facts + 20));
      await becomes(() => expect(written).toBeGreaterThan(before.written + 20));
      slowestMs = Math.max(slowestMs, performance.now() - ledMs);
      await serverAt(at).start();
      await becomes(allHaveAll);
    }
  } finally {
    // Also where this fails: the tests after it have the same servers.
    on = false;
    await Promise.allSettled(traffic);
  }
  await Promise.all(traffic);
  await becomes(() => expect(taken).toEqual(acknowledged));
  const last = await decider.mesh.lastRevision();
  await becomes(() => expect(replica.current?.generation.revision).toBe(last));
  const held = await Promise.all(Array.from({ length: 50 }, (_, n) => decider.mesh.get(`node.n${n}`)));
  expect([...(replica.current?.nodes.values() ?? [])].map(({ retired }) => retired[0])).toEqual(
    expect.arrayContaining(held.flatMap((one) => (one?.text ? [JSON.parse(one.text).retired[0]] : []))),
  );
  // A request that was under way is given up after 2 s and made again; an election takes as long as it takes.
  expect(slowestMs).toBeLessThan(8_000);
});

test('with two of three lost nothing changes and nothing is forgotten; when one is back it goes on', async () => {
  const replica = new MeshReplica();
  node.mesh.follow(replica.follower);
  await write('node.a', entry(1));
  await becomes(() => expect(replica.current?.nodes.get('a')?.retired).toEqual(['1']));
  await Promise.all([serverAt(1).stop('SIGKILL'), serverAt(2).stop('SIGKILL')]);
  await pause(6_000);
  await expect(decider.mesh.put('node.b', entry(2), 0)).rejects.toThrow(BusUnavailable);
  await expect(node.publish({ subject: subjects.fact('n1', 'container', 's'), text: 'x' }, 'x')).rejects.toThrow(
    BusUnavailable,
  );
  expect(replica.current?.nodes.get('a')?.retired).toEqual(['1']);
  await serverAt(2).start();
  await write('node.b', entry(3));
  await becomes(() => expect(replica.current?.nodes.get('b')?.retired).toEqual(['3']));
  expect(replica.current?.nodes.get('a')?.retired).toEqual(['1']);
});

test('what cannot be stored on most servers is acknowledged to nobody, however often it is told', async () => {
  await becomes(allHaveAll);
  const message = { subject: subjects.fact('n1', 'container', 's'), text: 'told before' };
  await node.publish(message, 'before');
  const { facts } = await leaders();
  const others = [0, 1, 2].filter((at) => at !== facts);
  await Promise.all(others.map((at) => serverAt(at).stop('SIGKILL')));
  for (let times = 0; times < 2; times++)
    await expect(node.publish({ ...message, text: 'told in vain' }, 'in vain')).rejects.toThrow(BusUnavailable);
  await Promise.all(others.map((at) => serverAt(at).start()));
  await becomes(() => node.publish({ ...message, text: 'told in vain' }, 'in vain'));
  const taken: string[] = [];
  decider.consume(factStream.name, deciderConsumer, (delivery) => {
    taken.push(delivery.text);
    delivery.ack();
  });
  await becomes(() => expect(taken).toEqual(['told before', 'told in vain']));
});

test('a route is for who holds a certificate of this authority alone', async () => {
  const [server] = (await all.folder.registry()).servers;
  const file = (folder: CredentialsFolder, name: string) => readFileSync(join(folder.serverDir('s2'), name));
  const of = (folder: CredentialsFolder) => ({ cert: file(folder, 'server.crt'), key: file(folder, 'server.key') });
  const route = { host: '127.0.0.1', port: server?.routePort ?? 0 };
  const ca = file(all.folder, 'ca.crt');
  expect(await hears(dialTls({ ...route, ca, ...of(all.folder) }))).toMatch(/^INFO /);
  const others = [hears(dialTls({ ...route, ca })), hears(dial(route))];
  const { servers } = await all.folder.registry();
  const other = await CredentialsFolder.init(`${all.folder.dir}/other`, (made) =>
    servers.map((one) => ({ ...one, dir: made.serverDir(one.name) })),
  );
  others.push(hears(dialTls({ ...route, ca, ...of(other) })));
  for (const heard of await Promise.all(others)) expect(heard).not.toContain('INFO');
});

test('a server that lost its disk rejoins, and what it is given outlives another', async () => {
  const epoch = await decider.epoch();
  const revision = await write('node.a', entry(1));
  await serverAt(0).stop('SIGKILL');
  await serverAt(0).wipe();
  await serverAt(0).start();
  await becomes(allHaveAll);
  await serverAt(1).stop('SIGKILL');
  expect(await becomes(() => decider.mesh.get('node.a'))).toMatchObject({ revision, text: entry(1) });
  expect(await becomes(() => decider.epoch())).toBe(epoch);
});

test('a cluster that lost everything is made anew, and readers begin again', async () => {
  const epochs: string[] = [];
  node.mesh.follow({ begin: (epoch) => void epochs.push(epoch), entry() {}, caughtUp() {} });
  await becomes(() => expect(epochs).toHaveLength(1));
  await Promise.all(all.servers.map((server) => server.stop('SIGKILL')));
  await Promise.all(all.servers.map((server) => server.wipe()));
  await Promise.all(all.servers.map((server) => server.start()));
  const epoch = await becomes(() => decider.provision());
  await becomes(() => expect(epochs.at(-1)).toBe(epoch));
  expect(epoch).not.toBe(epochs[0]);
});

test('keys of all are rotated on three servers under traffic: nothing acknowledged is lost, and nobody waits for an election', async () => {
  const taken = takenFacts();
  const acknowledged = new Set<string>();
  let on = true;
  let slowestMs = 0;
  const traffic = async () => {
    for (let n = 0; on; n++) {
      const startMs = performance.now();
      const message = { subject: subjects.fact('n1', 'container', 's'), text: `f${n}` };
      await becomes(() => node.publish(message, message.text));
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      acknowledged.add(message.text);
    }
  };
  const going = traffic();
  try {
    for (const name of ['n1', 'decider']) {
      const states: string[] = [];
      (name === 'n1' ? node : decider).onState((state) => void states.push(state));
      const before = acknowledged.size;
      await all.folder.rotate(name);
      await all.folder.finishRotation(name);
      await becomes(() => expect(states).toEqual(['lost', 'connected']));
      await becomes(() => expect(acknowledged.size).toBeGreaterThan(before + 50));
    }
  } finally {
    on = false;
    await Promise.allSettled([going]);
  }
  await becomes(() => expect(taken).toEqual(acknowledged));
  // One that was under way is given up after 2 s, and made again.
  expect(slowestMs).toBeLessThan(4_000);
});

test('whoever is revoked is cut off within a second by whichever of the servers it is on, and nobody else', async () => {
  const names = ['r1', 'r2', 'r3'];
  for (const name of names) await all.folder.add({ name, role: 'node' });
  const others: string[] = [];
  for (const bus of [decider, node]) bus.onState((state) => void others.push(state));
  for (const [at, name] of names.entries()) {
    const bus = await becomes(() => all.connect(name, { servers: [all.urls[at] ?? ''], onlyThese: true }));
    let lostMs: number | undefined;
    bus.onState((state) => {
      if (state === 'lost') lostMs ??= performance.now();
    });
    await all.folder.revoke(name);
    const toldMs = performance.now();
    await becomes(() => expect(lostMs).toBeDefined());
    expect((lostMs ?? 0) - toldMs).toBeLessThan(1_000);
  }
  await pause(1_000);
  expect(others).toEqual([]);
});
