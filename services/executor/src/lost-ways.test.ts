import { expect, test } from 'vitest';
import { macOf, type Way } from './kernel/overlay.ts';
import { LostWays } from './lost-ways.ts';

// Node nN is at 10.99.0.1N; sandboxes have 10.0.0.2 and 10.0.0.3, tasks 10.0.0.5 and up.

const way = (address: string, node: string): [string, Way] => [
  address,
  { device: 'vxlan0', mac: macOf(address) ?? '', node: `10.99.0.1${node.slice(1)}` },
];
/** `10.0.0.5 n2` for a task's address and the node that it is on, or is behind. */
const pairs = (lines: readonly string[]) => lines.map((line) => line.split(' ') as [string, string]);
const ways = (...lines: string[]) => new Map(pairs(lines).map(([address, node]) => way(address, node)));
const life = (boot: string) => ({ boot, daemon: 'd' });
const nodesOf = (...lives: string[]) => new Map(pairs(lives).map(([node, boot]) => [node, life(boot)]));

function open(isIngress = true) {
  const lost = new LostWays(isIngress);
  const both = nodesOf('n2 b', 'n3 b');
  const tasks = new Map(pairs(['10.0.0.5 n2', '10.0.0.6 n3']));
  const look = (
    found: ReadonlyMap<string, Way>,
    atMs: number,
    more: { nodes?: typeof both; tasks?: typeof tasks } = {},
  ) => {
    const { put, drop, nodes } = lost.look(found, { nodes: both, tasks, ...more }, atMs);
    const shown = (ways: ReadonlyMap<string, Way>) =>
      [...ways].map(([address, { node, mac, device }]) => `${address} ${node} ${mac} ${device}`);
    return { put: shown(put), drop: shown(drop), nodes: [...nodes] };
  };
  const whole = ways('10.0.0.2 n2', '10.0.0.3 n3', '10.0.0.5 n2', '10.0.0.6 n3');
  return { look, whole, tasks };
}

const nothing = { put: [], drop: [], nodes: [] };
const toTask = '10.0.0.5 10.99.0.12 02:42:0a:00:00:05 vxlan0';
const toSandbox = '10.0.0.2 10.99.0.12 02:42:0a:00:00:02 vxlan0';

test('what was lost with all of a node that is there is put back, its sandbox among it', () => {
  const { look, whole } = open();
  expect(look(whole, 0)).toEqual(nothing);
  expect(look(ways('10.0.0.3 n3', '10.0.0.6 n3'), 1_000)).toEqual({
    put: [toTask, toSandbox],
    drop: [],
    nodes: ['n2'],
  });
  expect(look(whole, 2_000)).toEqual(nothing);
});

test('nothing is put back to a node that is away, or in another life, or was never seen', () => {
  const left = ways('10.0.0.3 n3', '10.0.0.6 n3');
  const away = open();
  away.look(away.whole, 0);
  expect(away.look(left, 1_000, { nodes: nodesOf('n3 b') })).toEqual(nothing);
  // It is back before Docker has it again.
  expect(away.look(left, 2_000).put).toEqual([toTask, toSandbox]);
  const anew = open();
  anew.look(anew.whole, 0);
  expect(anew.look(left, 1_000, { nodes: nodesOf('n2 later', 'n3 b') })).toEqual(nothing);
  expect(open().look(left, 1_000)).toEqual(nothing);
});

test('one way that is missing is left to Docker, and for a while after a loss it is not', () => {
  const { look, whole, tasks } = open();
  look(whole, 0);
  const more = { tasks: new Map([...tasks, ['10.0.0.7', 'n2']]) };
  expect(look(whole, 1_000, more)).toEqual(nothing);
  look(ways('10.0.0.3 n3', '10.0.0.6 n3'), 2_000);
  // A task that was never seen: Docker gives it this MAC address.
  expect(look(whole, 60_000, more).put).toEqual(['10.0.0.7 10.99.0.12 02:42:0a:00:00:07 vxlan0']);
  expect(look(whole, 200_000, { tasks: new Map([...tasks, ['10.0.0.8', 'n2']]) }).put).toEqual([]);
});

test('what was put back for a task that has ended since is taken away, and what Docker set in its place is not', () => {
  const { look, whole, tasks } = open();
  look(whole, 0);
  look(ways('10.0.0.3 n3', '10.0.0.6 n3'), 1_000);
  const ended = { tasks: new Map([...tasks].filter(([address]) => address !== '10.0.0.5')) };
  expect(look(whole, 2_000, ended)).toEqual({ put: [], drop: [toTask], nodes: [] });

  const given = open();
  given.look(given.whole, 0);
  given.look(ways('10.0.0.3 n3', '10.0.0.6 n3'), 1_000);
  const toOther = { tasks: new Map(pairs(['10.0.0.5 n3', '10.0.0.6 n3'])) };
  expect(given.look(ways('10.0.0.2 n2', '10.0.0.3 n3', '10.0.0.5 n3', '10.0.0.6 n3'), 2_000, toOther)).toEqual(nothing);
});

test('a node that is away for a while keeps what was put back: Docker may have it too by then', () => {
  const { look, whole } = open();
  look(whole, 0);
  look(ways('10.0.0.3 n3', '10.0.0.6 n3'), 1_000);
  expect(look(whole, 2_000, { nodes: nodesOf('n3 b') })).toEqual(nothing);
  // In another life its sandbox may have another address.
  expect(look(whole, 3_000, { nodes: nodesOf('n2 later', 'n3 b'), tasks: new Map() }).drop.sort()).toEqual([
    toSandbox,
    toTask,
  ]);
});

test('a network on which a node has no task any more has no sandbox of it either', () => {
  const { look, whole, tasks } = open(false);
  look(whole, 0);
  const none = { tasks: new Map([...tasks].filter(([, node]) => node !== 'n2')) };
  expect(look(ways('10.0.0.3 n3', '10.0.0.6 n3'), 1_000, none)).toEqual(nothing);
});

test('one entry of the task that had an address before does not say where a node is', () => {
  const { look } = open();
  const tasks = new Map(pairs(['10.0.0.5 n2', '10.0.0.6 n3', '10.0.0.7 n3', '10.0.0.8 n3']));
  // 10.0.0.7 was on n2 a moment ago.
  look(ways('10.0.0.7 n2'), 0, { tasks });
  look(ways('10.0.0.5 n2', '10.0.0.6 n3', '10.0.0.7 n2', '10.0.0.8 n3'), 1_000, { tasks });
  const put = look(ways('10.0.0.5 n2'), 2_000, { tasks }).put.map((line) => line.split(' ').slice(0, 2).join(' '));
  expect(put.sort()).toEqual(['10.0.0.6 10.99.0.13', '10.0.0.7 10.99.0.13', '10.0.0.8 10.99.0.13']);
});
