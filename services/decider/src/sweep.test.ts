import { createMemoryBus, keys, SimulatedClock, tombstoneMs, writeNetwork, writeNode } from '@fairway/bus';
import { type Endpoint, emptyMesh, type Mesh, type Network, type Node, type Service } from '@fairway/mesh';
import { expect, test } from 'vitest';
import type { FoldContext } from './fold-service.ts';
import { expired, lingering, sweep } from './sweep.ts';

const nowMs = 10_000_000;
const context: FoldContext = {
  nowMs,
  isRetired: () => false,
  isListed: () => false,
  isRemoved: (node) => node === 'n9',
};
const longAgoMs = nowMs - tombstoneMs - 1;
const lately = { removedMs: nowMs - tombstoneMs };
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

test('tombstones expire when no fact about their object can be on its way', () => {
  const mesh: Mesh = {
    ...emptyMesh('e'),
    services: new Map([
      service('old', [], { removedMs: longAgoMs }),
      service('lately', [], lately),
      service('live', []),
    ]),
    nodes: new Map([
      ['n1', { ...node, removedMs: longAgoMs }],
      ['n2', { ...node, ...lately }],
      ['n3', node],
    ]),
    networks: new Map([
      ['w1', { ...network, removedMs: longAgoMs }],
      ['w2', network],
    ]),
  };
  expect(expired(mesh, nowMs)).toEqual(['service.old', 'node.n1', 'network.w1']);
});

test('what lingers is what ended or was never claimed, a minute ago, or drains on a node that was removed', () => {
  const lingers: [string, Partial<Endpoint>][] = [
    ['ended', {}],
    ['never-began', { container: 'unknown' }],
    ['never-claimed', { claim: 'absent', container: 'running' }],
    ['drains-on-a-removed-node', { container: 'running', node: 'n9', sinceMs: nowMs }],
  ];
  const stays: [string, Partial<Endpoint>][] = [
    ['ended-lately', { sinceMs: nowMs - 60_000 }],
    ['claimed-lately', { claim: 'absent', container: 'running', sinceMs: nowMs - 60_000 }],
    ['drains', { container: 'running' }],
    ['serves', { claim: 'running', container: 'running' }],
    ['wanted', { claim: 'running' }],
  ];
  const services = new Map([...lingers, ...stays].map(([id, more]) => service(id, [endpoint(more)])));
  expect(lingering({ ...emptyMesh('e'), services }, context)).toEqual(lingers.map(([id]) => id));
});

test('an entry that was written since the mesh was read stays', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  await clock.settle(bus.provision());
  const write = (key: string, text: string, revision = 0) => clock.settle(bus.mesh.put(key, text, revision));
  const first = await write(keys.node('n1'), writeNode({ ...node, removedMs: longAgoMs }));
  await write(keys.network('w1'), writeNetwork({ ...network, removedMs: longAgoMs }));
  const mesh: Mesh = {
    ...emptyMesh('e'),
    nodes: new Map([['n1', { ...node, removedMs: longAgoMs }]]),
    networks: new Map([['w1', { ...network, removedMs: longAgoMs }]]),
  };
  // Somebody else is faster, between the reading and the deletion.
  const raced = {
    ...bus.mesh,
    get: async (key: string) => {
      const held = await bus.mesh.get(key);
      if (key === keys.node('n1')) await bus.mesh.put(key, writeNode(node), first);
      return held;
    },
  };
  await clock.settle(sweep(raced, mesh, context));
  const texts = [keys.node('n1'), keys.network('w1')].map(async (key) => (await bus.mesh.get(key))?.text);
  expect(await clock.settle(Promise.all(texts))).toEqual([writeNode(node), undefined]);
});
