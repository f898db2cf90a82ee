import { expect, test } from 'vitest';
import { macOf, type Way } from '../kernel/overlay.ts';
import { placesOf } from './node-places.ts';
import { WrongWays } from './wrong-ways.ts';

// Node nN is at 10.99.0.1N; tasks have 10.0.0.5 and up. This node is n1.

const pairs = (lines: readonly string[]) => new Map(lines.map((line) => line.split(' ') as [string, string]));
const way = (address: string, node: string): Way => ({
  ...{ device: 'vxlan0', mac: macOf(address) ?? '', node: `10.99.0.1${node.slice(1)}` },
});
/** `10.0.0.5 n2` for an address and the node that its way leads to. */
const ways = (...lines: string[]) => new Map([...pairs(lines)].map(([address, node]) => [address, way(address, node)]));
const tasks = pairs(['10.0.0.4 n1', '10.0.0.5 n2', '10.0.0.6 n2', '10.0.0.7 n3']);
const right = ways('10.0.0.5 n2', '10.0.0.6 n2', '10.0.0.7 n3');
const usual = { missing: new Set<string>(), others: { there: new Set(['n2', 'n3']), tasks } };

function open() {
  const wrong = new WrongWays();
  let nowMs = 0;
  return (held: ReadonlyMap<string, Way>, more: Partial<typeof usual> = {}, afterMs = 1_000) => {
    nowMs += afterMs;
    return wrong.look({ ...usual, ...more, ways: held, places: placesOf([{ nodes: tasks, ways: right }]) }, nowMs);
  };
}

test('a way that stays one to another node is set; one that Docker is about to move is not', () => {
  const look = open();
  expect(look(right).size).toBe(0);
  const held = new Map([...right, ...ways('10.0.0.6 n3')]);
  for (let s = 0; s < 10; s++) expect(look(held).size).toBe(0);
  expect(look(held)).toEqual(new Map([['10.0.0.6', { ...way('10.0.0.6', 'n2'), isOwn: true }]]));
  expect(look(right).size).toBe(0);
  expect(look(held).size).toBe(0);
});

test('so is a neighbour with the MAC address of another task, on the device that it is on', () => {
  const look = open();
  const other = { ...way('10.0.0.6', 'n2'), device: 'vxlan1', mac: '02:42:0a:00:00:77' };
  const held = new Map([...right, ['10.0.0.6', other] as const]);
  look(held);
  expect(look(held, {}, 10_000)).toEqual(
    new Map([['10.0.0.6', { ...way('10.0.0.6', 'n2'), device: 'vxlan1', isOwn: true }]]),
  );
});

test('one that is missing is set after longer, where its task serves and its device is known', () => {
  const look = open();
  const held = ways('10.0.0.5 n2', '10.0.0.7 n3');
  const missing = new Set(['10.0.0.6']);
  look(held, { missing });
  expect(look(held, { missing }, 40_000).size).toBe(0);
  expect(look(held, { missing }, 5_000)).toEqual(new Map([['10.0.0.6', { ...way('10.0.0.6', 'n2'), isOwn: true }]]));
  expect(look(held, {}, 60_000).size).toBe(0);
  const elsewhere = { ...usual.others, tasks: new Map([...tasks, ['10.2.0.6', 'n2']]) };
  const alone = { missing: new Set(['10.2.0.6']), others: elsewhere };
  look(right, alone);
  expect(look(right, alone, 60_000).size).toBe(0);
});

test('nothing is set for a node that is not there, nor for one whose place nobody knows', () => {
  const look = open();
  const held = new Map([...right, ...ways('10.0.0.6 n3')]);
  const others = { there: new Set(['n3']), tasks };
  look(held, { others });
  expect(look(held, { others }, 60_000).size).toBe(0);
  const strange = { there: new Set(['n2', 'n3', 'n4']), tasks: new Map([...tasks, ['10.0.0.6', 'n4']]) };
  look(held, { others: strange });
  expect(look(held, { others: strange }, 60_000).size).toBe(0);
});

test('a task that comes to an address has a time of its own', () => {
  const look = open();
  const held = new Map([...right, ...ways('10.0.0.7 n2')]);
  look(held);
  const others = { ...usual.others, tasks: new Map([...tasks, ['10.0.0.7', 'n3']]) };
  const moved = { ...usual.others, tasks: new Map([...tasks, ['10.0.0.6', 'n3']]) };
  look(right, { others: moved });
  expect(look(right, { others: moved }, 9_000).size).toBe(0);
  look(right, { others });
  expect(look(right, { others: moved }, 9_000).size).toBe(0);
});

test('a place whose Docker makes other MAC addresses, and one that has an IPv6 address, is left to itself', () => {
  const look = open();
  const strange = new Map(
    [...right].map(([address, held]) => [address, { ...held, mac: `00:15:5d:00:00:0${address.at(-1)}` }]),
  );
  look(strange);
  expect(look(strange, {}, 60_000).size).toBe(0);
  const wrong = new WrongWays();
  const other = new Map([...right].map(([address, held]) => [address, { ...held, node: 'fd00::1' }]));
  const places = new Map([['n2', 'fd00::2']]);
  wrong.look({ ...usual, ways: other, places }, 0);
  expect(wrong.look({ ...usual, ways: other, places }, 60_000).size).toBe(0);
});
