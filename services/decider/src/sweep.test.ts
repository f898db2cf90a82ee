import { createMemoryBus, keys, SimulatedClock, tombstoneMs, writeNetwork, writeNode } from '@fairway/bus';
import { type Endpoint, emptyMesh, type Mesh, type Network, type Node, type Service } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { KnownSince } from './known-since.ts';
import type { FoldContext } from './service-change.ts';
import { expired, lingering, sweep } from './sweep.ts';

const nowMs = 10_000_000;
const context: FoldContext = {
  nowMs,
  isRetired: () => false,
  isListed: () => false,
  isRemoved: (node) => node === 'n9',
};
const removed = { removedMs: nowMs };

/** What a decider knows that saw the mesh so long ago for the first time. */
async function knownFor(mesh: Mesh, forMs: number, clock = new SimulatedClock()): Promise<KnownSince> {
  const known = new KnownSince(clock);
  known.look(mesh);
  await clock.settle(Promise.resolve(), forMs);
  return known;
}
const network: Network = {
  id: 'w1',
  name: 'w1',
  index: 1,
  ingress: false,
  attachable: false,
  internal: false,
  encrypted: false,
};
const node: Node = { retired: [], causes: [] };
const service = (id: string, endpoints: Endpoint[], more: Partial<Service> = {}): [string, Service] => [
  id,
  {
    spec: { id, name: id, index: 1, mode: 'vip', ports: [], vips: [], labels: {} },
    endpoints,
    causes: [],
    seen: 1,
    ...more,
  },
];
const endpoint = (more: Partial<Endpoint>): Endpoint => ({
  task: 't1',
  node: 'n1',
  claim: 'released',
  index: 1,
  addresses: [],
  container: 'dead',
  sinceMs: 0,
  ...more,
});

test('tombstones expire once they have been known for so long that no fact about their object can be on its way', async () => {
  const mesh: Mesh = {
    ...emptyMesh('e'),
    services: new Map([service('old', [], removed), service('live', [])]),
    nodes: new Map([
      ['n1', { ...node, ...removed }],
      ['n2', node],
    ]),
    networks: new Map([
      ['w1', { ...network, ...removed }],
      ['w2', network],
    ]),
  };
  expect(expired(mesh, await knownFor(mesh, tombstoneMs))).toEqual([]);
  const known = await knownFor(mesh, tombstoneMs + 1);
  expect(expired(mesh, known)).toEqual(['service.old', 'node.n1', 'network.w1']);
  // Removed, there again and removed again: counted from the last time.
  const again = { ...mesh, nodes: new Map([['n1', { ...node, removedMs: nowMs + 1 }]]) };
  expect(expired(again, known)).toEqual(['service.old', 'network.w1']);
});

test('a bucket that was restored from a backup is known from then on', async () => {
  const clock = new SimulatedClock();
  const at = (revision: number): Mesh => ({
    ...emptyMesh('e'),
    generation: { epoch: 'e', revision },
    nodes: new Map([['n1', { ...node, ...removed }]]),
  });
  const known = await knownFor(at(9), tombstoneMs + 1, clock);
  known.look(at(9));
  expect(expired(at(9), known)).toEqual(['node.n1']);
  known.look(at(8));
  expect(expired(at(8), known)).toEqual([]);
});

test('what lingers is what ended or was never claimed and is known for a minute, whatever time it bears', async () => {
  const lingers: [string, Partial<Endpoint>][] = [
    ['ended', {}],
    ['ended-by-a-clock-that-is-fast', { sinceMs: nowMs + 3_600_000 }],
    ['never-began', { container: 'unknown' }],
    ['never-claimed', { claim: 'absent', index: 0, container: 'running' }],
    ['said-to-be-none', { index: 0, container: 'running' }],
  ];
  const stays: [string, Partial<Endpoint>][] = [
    ['drains', { container: 'running' }],
    ['serves', { claim: 'running', container: 'running' }],
    ['wanted', { claim: 'running' }],
  ];
  const services = new Map([...lingers, ...stays].map(([id, more]) => service(id, [endpoint(more)])));
  const mesh = { ...emptyMesh('e'), services };
  expect(lingering(mesh, await knownFor(mesh, 59_999), context)).toEqual([]);
  const known = await knownFor(mesh, 60_000);
  expect(lingering(mesh, known, context)).toEqual(lingers.map(([id]) => id));
  // It was heard of since: it is past in another way.
  const heard = { ...mesh, services: new Map([service('ended', [endpoint({ index: 2 })])]) };
  expect(lingering(heard, known, context)).toEqual([]);
});

test('what drains on a node that was removed is not waited for', async () => {
  const services = new Map([service('drains', [endpoint({ container: 'running', node: 'n9' })])]);
  const mesh = { ...emptyMesh('e'), services };
  expect(lingering(mesh, new KnownSince(new SimulatedClock()), context)).toEqual(['drains']);
});

/** A bus with a node and a network that were removed, as they were when a decider saw them. */
async function removedLongAgo() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  await clock.settle(bus.provision());
  const revision = await clock.settle(bus.mesh.put(keys.node('n1'), writeNode({ ...node, ...removed }), 0));
  await clock.settle(bus.mesh.put(keys.network('w1'), writeNetwork({ ...network, ...removed }), 0));
  const mesh: Mesh = {
    ...emptyMesh('e'),
    nodes: new Map([['n1', { ...node, ...removed }]]),
    networks: new Map([['w1', { ...network, ...removed }]]),
  };
  const known = await knownFor(mesh, tombstoneMs + 1, clock);
  const left = async () => {
    const texts = [keys.node('n1'), keys.network('w1')].map(async (key) => (await bus.mesh.get(key))?.text);
    return clock.settle(Promise.all(texts));
  };
  return { clock, bus, mesh, known, revision, left };
}

test('an entry that was written since the mesh was read stays', async () => {
  const { clock, bus, mesh, known, revision, left } = await removedLongAgo();
  await clock.settle(bus.mesh.put(keys.node('n1'), writeNode(node), revision));
  await clock.settle(sweep(bus.mesh, mesh, known, context));
  expect(await left()).toEqual([writeNode(node), undefined]);
});

test('an entry that is written between its reading and its deletion stays', async () => {
  const { clock, bus, mesh, known, revision, left } = await removedLongAgo();
  const raced = {
    ...bus.mesh,
    get: async (key: string) => {
      const held = await bus.mesh.get(key);
      if (key === keys.node('n1')) await bus.mesh.put(key, writeNode(node), revision);
      return held;
    },
  };
  await clock.settle(sweep(raced, mesh, known, context));
  expect(await left()).toEqual([writeNode(node), undefined]);
});

test('what is of a later release by now stays, and the others are swept', async () => {
  const { clock, bus, mesh, known, revision, left } = await removedLongAgo();
  const services = new Map([service('later', [endpoint({})])]);
  const later = '{"schema":2}';
  await clock.settle(bus.mesh.put(keys.node('n1'), later, revision));
  await clock.settle(bus.mesh.put(keys.service('later'), later, 0));
  known.look({ ...mesh, services });
  await clock.settle(Promise.resolve(), 60_000);
  await clock.settle(sweep(bus.mesh, { ...mesh, services }, known, context));
  expect(await left()).toEqual([later, undefined]);
  expect((await clock.settle(bus.mesh.get(keys.service('later'))))?.text).toBe(later);
});
