import type { Endpoint } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { writeComplete, writeNode, writeService, writeShard } from './entry.ts';
import { keys } from './keys.ts';
import { MeshReplica } from './replica.ts';

const endpoint = (task: string): Endpoint => ({
  task,
  node: 'n1',
  claim: 'running',
  index: 1,
  addresses: [],
  container: 'unknown',
  sinceMs: 0,
});
const web = (tasks: string[], of = 1) =>
  writeService({
    spec: { id: 'web', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} },
    endpoints: tasks.map(endpoint),
    causes: [],
    seen: 0,
    of,
  });
const tasksOf = (replica: MeshReplica) => replica.mesh.services.get('web')?.endpoints.map(({ task }) => task);

function filled(epoch: string, tasks: string[], replica = new MeshReplica()): MeshReplica {
  replica.follower.begin(epoch);
  replica.follower.entry({ key: keys.service('web'), text: web(tasks), revision: 2 });
  return replica;
}
const complete = (replica: MeshReplica, epoch: string, revision = 3) =>
  replica.follower.entry({ key: keys.complete, text: writeComplete({ epoch, listing: 'l' }), revision });

test('is complete when everything has been read and a complete listing is folded in', () => {
  const replica = filled('e1', ['t1']);
  complete(replica, 'e1');
  expect(replica.mesh.complete).toBe(false);
  replica.follower.caughtUp(3);
  expect(replica.mesh).toMatchObject({ complete: true, generation: { epoch: 'e1', revision: 3 } });
});

test('a bucket made anew does not empty the mesh: the last complete one holds until the new one is complete', () => {
  const replica = filled('e1', ['t1', 't2']);
  complete(replica, 'e1');
  replica.follower.caughtUp(3);

  replica.follower.begin('e2');
  replica.follower.caughtUp(1);
  expect(tasksOf(replica)).toEqual(['t1', 't2']);
  expect(replica.mesh.generation.epoch).toBe('e1');
  expect(replica.current?.generation.epoch).toBe('e2');

  replica.follower.entry({ key: keys.service('web'), text: web(['t3']), revision: 2 });
  expect(tasksOf(replica)).toEqual(['t1', 't2']);
  complete(replica, 'e2');
  expect(tasksOf(replica)).toEqual(['t3']);
});

test("another epoch's word of completeness does not count", () => {
  const replica = filled('e2', ['t1']);
  complete(replica, 'e1');
  replica.follower.caughtUp(3);
  expect(replica.mesh.complete).toBe(false);
});

test('starts from what the disk held, and lets go of it when the bus is complete', () => {
  const before = filled('e1', ['t1']);
  complete(before, 'e1');
  before.follower.caughtUp(3);
  const saved = before.entries;
  expect(saved).toMatchObject({ epoch: 'e1', revision: 3 });

  const replica = new MeshReplica(saved ? { saved } : {});
  expect(tasksOf(replica)).toEqual(['t1']);
  // It may be older than the rules in the kernel, so nothing is to be removed by it.
  expect(replica.mesh.complete).toBe(false);
  expect(replica.entries).toBeUndefined();
  filled('e1', ['t2'], replica);
  expect(tasksOf(replica)).toEqual(['t1']);
  complete(replica, 'e1');
  replica.follower.caughtUp(3);
  expect(tasksOf(replica)).toEqual(['t2']);
});

test('a deleted entry goes, an unreadable one stays as it was and is told', () => {
  const told: string[] = [];
  const replica = filled('e1', ['t1'], new MeshReplica({ onUnreadable: ({ subject }) => told.push(subject) }));
  replica.follower.entry({ key: keys.service('web'), text: '{', revision: 4 });
  expect(told).toEqual(['service.web']);
  expect(tasksOf(replica)).toEqual(['t1']);
  replica.follower.entry({ key: keys.service('web'), revision: 5 });
  expect(tasksOf(replica)).toBeUndefined();
  replica.follower.entry({ key: keys.node('n1'), text: writeNode({ retired: [], causes: [] }), revision: 6 });
  expect(replica.mesh.nodes.has('n1')).toBe(true);
});

test('an entry that was never read, as of a newer release, keeps anything from being removed; the others count', () => {
  const replica = filled('e1', ['t1']);
  replica.follower.entry({ key: keys.node('n1'), text: '{"schema":2}', revision: 3 });
  complete(replica, 'e1', 4);
  replica.follower.caughtUp(4);
  expect(replica.mesh.complete).toBe(false);
  expect(tasksOf(replica)).toEqual(['t1']);
  expect([...replica.unreadable]).toEqual([['node.n1', expect.stringContaining('version 2 is none that')]]);

  replica.follower.entry({ key: keys.service('web'), text: '{"schema":2}', revision: 5 });
  replica.follower.entry({ key: keys.node('n1'), text: writeNode({ retired: [], causes: [] }), revision: 6 });
  expect([...replica.unreadable.keys()]).toEqual(['service.web']);
  expect(replica.mesh.complete).toBe(true);
  expect(tasksOf(replica)).toEqual(['t1']);
});

test('a service is its own entry and the shards of the division that this names', () => {
  const replica = filled('e1', ['t1']);
  const shard = (of: number, n: number, task: string, revision: number) =>
    replica.follower.entry({
      key: keys.shard('web', of, n),
      text: writeShard({ endpoints: [endpoint(task)], causes: [] }),
      revision,
    });
  shard(2, 1, 't2', 4);
  expect(tasksOf(replica)).toEqual(['t1']);
  replica.follower.entry({ key: keys.service('web'), text: web(['t1'], 2), revision: 5 });
  expect(tasksOf(replica)).toEqual(['t1', 't2']);
  shard(2, 1, 't3', 6);
  expect(tasksOf(replica)).toEqual(['t1', 't3']);
  replica.follower.entry({ key: keys.service('web'), text: web(['t9'], 1), revision: 7 });
  expect(tasksOf(replica)).toEqual(['t9']);
});

test('tells the causes that a change brings, and none of what was there before', () => {
  const told: string[][] = [];
  const replica = new MeshReplica({ onChange: (causes) => told.push(causes.map(({ trace }) => trace)) });
  const node = (traces: [string, number][]) =>
    writeNode({ retired: [], causes: traces.map(([trace, after]) => ({ trace, after, event: 'x', atMs: 0 })) });
  const entry = (revision: number, traces: [string, number][]) => {
    told.length = 0;
    replica.follower.entry({ key: keys.node('n1'), text: node(traces), revision });
    return told[0];
  };
  replica.follower.begin('e1');
  expect(entry(2, [['a', 0]])).toEqual([]);
  replica.follower.caughtUp(2);
  expect(
    entry(9, [
      ['a', 0],
      ['b', 2],
      ['c', 5],
    ]),
  ).toEqual(['b', 'c']);
});

test('is current from when all was read until something may be missing, and not while an earlier epoch is acted on', () => {
  const replica = new MeshReplica();
  expect(replica.isCurrent).toBe(false);
  replica.follower.begin('e1');
  replica.follower.entry({ key: keys.complete, text: writeComplete({ epoch: 'e1', listing: 'l' }), revision: 2 });
  expect(replica.isCurrent).toBe(false);
  replica.follower.caughtUp(2);
  expect(replica.isCurrent).toBe(true);
  replica.follower.fellBehind?.();
  expect(replica.isCurrent).toBe(false);
  replica.follower.caughtUp(2);
  expect(replica.isCurrent).toBe(true);
  replica.follower.begin('e2');
  replica.follower.caughtUp(1);
  expect(replica.isCurrent).toBe(false);
});
