import type { NodeFact, NodeListingFact } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { foldNetwork } from './fold-network.ts';
import { foldNode } from './fold-node.ts';

const claimed = (index: number, state: 'ready' | 'down' = 'ready', confirmed = false): NodeFact => ({
  kind: 'node',
  node: { id: 'n1', name: 'node1', index, role: 'worker', availability: 'active', state, labels: {} },
  confirmed,
});
const listing = (boot: string, tick: number, daemon = 'd1'): NodeListingFact => ({
  kind: 'node-listing',
  listing: 'l',
  node: 'n1',
  incarnation: { boot, daemon },
  tick,
  tasks: [],
});

test('the manager with the higher index is believed, a confirmed one always', () => {
  const held = foldNode(undefined, claimed(10, 'down'), 0);
  expect(foldNode(held, claimed(9), 0)).toBe(held);
  expect(foldNode(held, claimed(11), 0).claim?.state).toBe('ready');
  expect(foldNode(held, claimed(9, 'ready', true), 0).claim?.state).toBe('ready');
});

test('a removed node stays removed until a confirmed report', () => {
  const gone = foldNode(foldNode(undefined, claimed(10), 0), { kind: 'node-gone', node: 'n1' }, 500);
  expect(gone.removedMs).toBe(500);
  expect(foldNode(gone, claimed(11), 0)).toBe(gone);
  expect(foldNode(gone, claimed(11, 'ready', true), 0).removedMs).toBeUndefined();
  expect(foldNode(gone, claimed(10, 'ready', true), 0).removedMs).toBeUndefined();
});

test('a complete listing sets the incarnation once; a new boot retires the old one for good', () => {
  const first = foldNode(undefined, listing('b1', 10), 0);
  expect(first.incarnation).toEqual({ boot: 'b1', daemon: 'd1' });
  expect(foldNode(first, listing('b1', 20), 0)).toBe(first);
  expect(foldNode(first, listing('b1', 20, 'd2'), 0).incarnation?.daemon).toBe('d2');
  expect(foldNode(first, listing('b1', 5, 'd0'), 0)).toBe(first);
  const rebooted = foldNode(first, listing('b2', 1), 0);
  expect(rebooted).toMatchObject({ incarnation: { boot: 'b2' }, retired: ['b1'] });
  expect(foldNode(rebooted, listing('b1', 99), 0)).toBe(rebooted);
});

test('networks follow the higher index and stay removed until a confirmed report', () => {
  const network = {
    id: 'n',
    name: 'ingress',
    index: 3,
    ingress: true,
    attachable: false,
    internal: false,
    encrypted: false,
  };
  const held = foldNetwork(undefined, { kind: 'network', network }, 0);
  expect(foldNetwork(held, { kind: 'network', network }, 0)).toBe(held);
  const gone = foldNetwork(held, { kind: 'network-gone', network: 'n' }, 7);
  expect(gone?.removedMs).toBe(7);
  expect(foldNetwork(gone, { kind: 'network', network: { ...network, index: 4 } }, 8)).toBe(gone);
  expect(foldNetwork(gone, { kind: 'network', network, confirmed: true }, 8)).toEqual(network);
  expect(foldNetwork(undefined, { kind: 'network-gone', network: 'n' }, 7)).toBeUndefined();
});
