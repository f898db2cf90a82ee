import { expect, test } from 'vitest';
import { macOf, type Way } from '../kernel/overlay.ts';
import { LostWays } from './lost-ways.ts';

// Node nN is at 10.99.0.1N; sandboxes have 10.0.0.2 and 10.0.0.3, tasks 10.0.0.5 and up. This node is n1.

/** `10.0.0.5 n2` for a task's address and the node that it is on, or is behind. */
const pairs = (lines: readonly string[]) => lines.map((line) => line.split(' ') as [string, string]);
const way = (address: string, node: string): Way => ({
  ...{ device: 'vxlan0', mac: macOf(address) ?? '', node: `10.99.0.1${node.slice(1)}` },
});
const ways = (...lines: string[]) => new Map(pairs(lines).map(([address, node]) => [address, way(address, node)]));
const life = (boot: string) => ({ boot, daemon: 'd' });

type Seen = { nodes?: readonly string[]; away?: readonly string[]; tasks?: readonly string[] };

function open(isIngress = true) {
  const lost = new LostWays(isIngress);
  let nowMs = 0;
  let held = new Map<string, Way>();
  const usual = { nodes: ['n2 b', 'n3 b'], away: [], tasks: ['10.0.0.5 n2', '10.0.0.6 n3'] };
  /** A look a while later, whose outcome the kernel takes: those put as `+10.0.0.5 n2`, those dropped as `-10.0.0.5 n2`. */
  const look = (more: Seen = {}, afterMs = 1_000) => {
    const { nodes, away, tasks } = { ...usual, ...more };
    nowMs += afterMs;
    const lives = new Map(
      nodes.map((line) => {
        const [node = '', boot] = line.split(' ');
        return [node, boot === undefined ? undefined : life(boot)] as const;
      }),
    );
    const there = new Set([...lives.keys()].filter((node) => !away.some((one) => one === node)));
    const { put, drop } = lost.look(held, { lives, there, tasks: new Map(pairs(tasks)) }, nowMs);
    for (const address of drop.keys()) held.delete(address);
    for (const [address, one] of put) held.set(address, one);
    const show =
      (sign: string) =>
      ([address, { node }]: [string, Way]) =>
        `${sign}${address} n${node.at(-1)}`;
    return [...[...put].map(show('+')), ...[...drop].map(show('-'))].sort();
  };
  /** Docker has set just these, and the kernel keeps what is Fairway's. */
  const docker = (...lines: string[]) => {
    const own = [...held].filter(([, { isOwn }]) => isOwn);
    held = new Map([...own, ...ways(...lines)]);
  };
  docker('10.0.0.2 n2', '10.0.0.3 n3', '10.0.0.5 n2', '10.0.0.6 n3');
  return { lost, look, docker, held: () => held };
}

/** Gossip takes n2 for lost. */
const onlyThird = ['10.0.0.3 n3', '10.0.0.6 n3'];

test('what was lost with all of a node that is there is put back as it was, its sandbox among it', () => {
  const { look, docker, held } = open();
  expect(look()).toEqual([]);
  const before = held();
  docker(...onlyThird);
  expect(look()).toEqual(['+10.0.0.2 n2', '+10.0.0.5 n2']);
  expect(held().get('10.0.0.5')).toEqual({ ...before.get('10.0.0.5'), isOwn: true });
  expect(look()).toEqual([]);
});

test('nothing is put back to a node that is away, or in another life, or was never seen', () => {
  const away = open();
  away.look();
  away.docker(...onlyThird);
  expect([away.look({ away: ['n2'] }), away.look({ away: ['n2'] }, 600_000)]).toEqual([[], []]);
  // It is back before Docker has it again.
  expect(away.look()).toEqual(['+10.0.0.2 n2', '+10.0.0.5 n2']);
  const anew = open();
  anew.look();
  anew.docker(...onlyThird);
  expect(anew.look({ nodes: ['n2 later', 'n3 b'] })).toEqual([]);
  const unseen = open();
  unseen.docker(...onlyThird);
  expect([unseen.look(), unseen.look()]).toEqual([[], []]);
});

test('a life that was not known when the node was first seen is another one all the same', () => {
  const { look, docker } = open();
  look({ nodes: ['n2', 'n3 b'] });
  look();
  docker(...onlyThird);
  expect(look({ nodes: ['n2 later', 'n3 b'] })).toEqual([]);
});

test('one way that is missing is left to Docker, and not for a while after all were lost, or while some are put back', () => {
  const { look, docker } = open();
  const further = (n: number) => ({ tasks: ['10.0.0.5 n2', '10.0.0.6 n3', `10.0.0.${n} n2`] });
  look();
  expect(look(further(7))).toEqual([]);
  docker(...onlyThird);
  expect(look()).toEqual(['+10.0.0.2 n2', '+10.0.0.5 n2']);
  // A task that was never seen; after minutes, in which Docker did not bring it either, as well.
  expect(look(further(7))).toEqual(['+10.0.0.7 n2']);
  expect(look(further(8), 600_000)).toEqual(['+10.0.0.8 n2', '-10.0.0.7 n2']);
  docker('10.0.0.2 n2', '10.0.0.3 n3', '10.0.0.5 n2', '10.0.0.6 n3', '10.0.0.8 n2');
  expect(look(further(8))).toEqual([]);
  expect(look({ tasks: [...further(8).tasks, '10.0.0.9 n2'] })).toEqual([]);
});

test('what Docker set in the place of it is never taken away, whoever has the address', () => {
  const { look, docker } = open();
  look();
  docker(...onlyThird);
  expect(look()).toEqual(['+10.0.0.2 n2', '+10.0.0.5 n2']);
  docker('10.0.0.2 n2', '10.0.0.5 n2', ...onlyThird);
  expect(look({ nodes: ['n2 later', 'n3 b'], tasks: [] })).toEqual([]);
});

test('what was put back is taken away where its task has ended, or the address is another node’s, or its life is over', () => {
  const lost = () => {
    const made = open();
    made.look();
    made.docker(...onlyThird);
    expect(made.look()).toHaveLength(2);
    return made;
  };
  expect(lost().look({ tasks: ['10.0.0.6 n3'] })).toEqual(['-10.0.0.5 n2']);
  expect(lost().look({ tasks: ['10.0.0.5 n1', '10.0.0.6 n3'] })).toEqual(['-10.0.0.5 n2']);
  expect(lost().look({ nodes: ['n2 later', 'n3 b'] })).toEqual(['-10.0.0.2 n2', '-10.0.0.5 n2']);
  expect(lost().look({ nodes: ['n3 b'] })).toEqual(['-10.0.0.2 n2', '-10.0.0.5 n2']);
  // One that is away for a moment keeps it.
  expect(lost().look({ away: ['n2'] })).toEqual([]);
});

test('a network on which a node has no task any more has no sandbox of it either', () => {
  const { look, docker, lost } = open(false);
  look();
  docker(...onlyThird);
  expect(look()).toEqual(['+10.0.0.2 n2', '+10.0.0.5 n2']);
  expect(lost.hasOwn).toBe(true);
  expect(look({ tasks: ['10.0.0.6 n3'] })).toEqual(['-10.0.0.2 n2', '-10.0.0.5 n2']);
  look({ tasks: ['10.0.0.6 n3'] });
  expect(lost.hasOwn).toBe(false);
});

test('a node that leaves a network and comes to it again is not lost, and its sandbox there is another one', () => {
  const { look, docker } = open(false);
  look();
  docker(...onlyThird);
  look({ tasks: ['10.0.0.6 n3'] });
  expect(look({ tasks: ['10.0.0.6 n3', '10.0.0.9 n2'] })).toEqual([]);
});

test('what Docker did not give back with the rest of a node is no sandbox any more', () => {
  const { look, docker } = open();
  look();
  docker(...onlyThird);
  expect(look()).toEqual(['+10.0.0.2 n2', '+10.0.0.5 n2']);
  docker('10.0.0.4 n2', '10.0.0.5 n2', ...onlyThird);
  // It may be giving the rest back at this moment.
  expect([look(), look({}, 80_000)]).toEqual([[], []]);
  expect(look({}, 20_000)).toEqual(['-10.0.0.2 n2']);
});

test('an address that Docker took away alone is no sandbox any more', () => {
  const { look, docker } = open();
  look();
  docker('10.0.0.5 n2', ...onlyThird);
  look();
  docker(...onlyThird);
  expect(look()).toEqual(['+10.0.0.5 n2']);
});

test('what an earlier process put back is kept while it is wanted', () => {
  const { look, docker, held } = open();
  docker(...onlyThird);
  for (const [address, one] of ways('10.0.0.2 n2', '10.0.0.5 n2')) held().set(address, { ...one, isOwn: true });
  expect(look()).toEqual([]);
  expect(look({ tasks: ['10.0.0.6 n3'] })).toEqual(['-10.0.0.5 n2']);
});

test('a node that joins again under another id has the place of the one before', () => {
  const { look, docker } = open();
  look();
  const rejoined = { nodes: ['n4 b', 'n3 b'], tasks: ['10.0.0.7 n4', '10.0.0.6 n3'] };
  docker('10.0.0.2 n2', '10.0.0.7 n2', ...onlyThird);
  // One address may have been another node's as long as that is in the swarm.
  look({ ...rejoined, nodes: ['n2 b', ...rejoined.nodes] });
  look(rejoined);
  docker(...onlyThird);
  expect([look(rejoined), look(rejoined)]).toEqual([['+10.0.0.2 n2', '+10.0.0.7 n2'], []]);
});

test('one entry of the task that had an address before does not say where a node is', () => {
  const { look, docker } = open();
  const tasks = ['10.0.0.5 n2', '10.0.0.6 n3', '10.0.0.7 n3', '10.0.0.8 n3'];
  // 10.0.0.7 was on n2 a moment ago.
  docker('10.0.0.7 n2');
  look({ tasks });
  docker('10.0.0.5 n2', '10.0.0.6 n3', '10.0.0.7 n2', '10.0.0.8 n3');
  look({ tasks });
  docker('10.0.0.5 n2');
  expect(look({ tasks })).toEqual(['+10.0.0.6 n3', '+10.0.0.7 n3', '+10.0.0.8 n3']);
  docker('10.0.0.5 n3');
  expect(look({ tasks })).toEqual([]);
});

test('a way that was never seen is left to Docker where its MAC address or its device is not sure', () => {
  const lostWith = (address: string, more: Partial<Way>, asked: string) => {
    const { look, docker, held } = open();
    held().set(address, { ...way(address, 'n2'), ...more });
    look();
    docker(...onlyThird);
    return look({ tasks: ['10.0.0.6 n3', `${asked} n2`] }).includes(`+${asked} n2`);
  };
  expect(lostWith('10.0.0.9', {}, '10.0.0.8')).toBe(true);
  expect(lostWith('10.0.0.9', { mac: '00:15:5d:00:00:09' }, '10.0.0.8')).toBe(false);
  expect(lostWith('10.0.1.9', { device: 'vxlan1' }, '10.0.1.8')).toBe(false);
  expect(lostWith('10.0.0.9', {}, '10.0.1.8')).toBe(false);
});
