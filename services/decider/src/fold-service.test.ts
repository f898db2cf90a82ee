import type { ContainerFact, Endpoint, NodeListingFact, ServiceFact, TaskClaim } from '@fairway/mesh';
import { endpointState, hasEnded } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { foldService, foldTime } from './fold-service.ts';
import type { FoldContext, FoldedService, ServiceChange } from './service-change.ts';

// Service `web`; tasks t1 on node n1, t2 on node n2; addresses 10.0.0.5 and .6 on network `ingress`.
const life = { boot: 'b1', daemon: 'd1' };
const context: FoldContext = { nowMs: 1000, isRetired: () => false, isListed: () => false, isRemoved: () => false };

const claim = (
  id: string,
  index: number,
  word: TaskClaim['claim'] = 'running',
  node = `n${id.slice(1)}`,
): TaskClaim => ({
  id,
  node,
  index,
  claim: word,
  addresses: [{ network: 'ingress', address: { family: 'ip', text: `10.0.0.${4 + Number(id.slice(1))}` } }],
});
const report = (
  tasks: TaskClaim[],
  more: Partial<Omit<ServiceFact, 'spec'>> & { index?: number } = {},
): ServiceFact => ({
  kind: 'service',
  spec: { id: 'web', name: 'web', index: more.index ?? 5, mode: 'vip', ports: [], vips: [], labels: {} },
  tasks,
  gone: more.gone ?? [],
  confirmed: more.confirmed ?? false,
});
const container = (task: string, state: ContainerFact['state'], tick: number, incarnation = life): ContainerFact => ({
  kind: 'container',
  node: `n${task.slice(1)}`,
  service: 'web',
  task,
  container: `c${task}`,
  state,
  reading: { incarnation, tick },
});
const listing = (node: string, tasks: string[], tick: number, incarnation = life): NodeListingFact => ({
  kind: 'node-listing',
  listing: 'l',
  node,
  incarnation,
  tick,
  tasks,
});

function fold(...facts: ServiceChange[]): FoldedService | undefined {
  return facts.reduce<FoldedService | undefined>((held, fact) => foldService(held, fact, context), undefined);
}
/** `t1 serving` per endpoint that has not ended. */
const shown = (service: FoldedService | undefined) =>
  (service?.endpoints ?? [])
    .filter((endpoint) => !hasEnded(endpoint))
    .map((endpoint: Endpoint) => `${endpoint.task} ${endpointState(endpoint)}`);

test('a task serves once its manager has claimed it and its node has it running, in either order', () => {
  const manager = report([claim('t1', 10, 'assigned')]);
  const node = container('t1', 'running', 100);
  expect(shown(fold(manager))).toEqual(['t1 waiting']);
  expect(shown(fold(manager, node))).toEqual(['t1 serving']);
  expect(shown(fold(report([]), node))).toEqual(['t1 waiting']);
  expect(shown(fold(report([]), node, manager))).toEqual(['t1 serving']);
});

test('a node never creates a service', () => {
  expect(fold(container('t1', 'running', 100))).toBeUndefined();
});

test('a fact that brings nothing new gives the very same value back, so that nothing is written', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'running', 100));
  for (const again of [
    report([claim('t1', 10)]),
    report([claim('t1', 11)]),
    report([claim('t1', 9, 'assigned')]),
    container('t1', 'running', 100),
    container('t1', 'running', 120),
    container('t1', 'starting', 130),
    listing('n1', ['t1'], 140),
    listing('n1', [], 90),
    listing('n2', [], 140),
  ]) {
    expect(foldService(held, again, context), JSON.stringify(again)).toBe(held);
  }
});

test('a container goes forward only, however its facts overtake each other', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'dead', 200));
  expect(shown(held)).toEqual(['t1 gone']);
  expect(shown(foldService(held, container('t1', 'running', 150), context))).toEqual(['t1 gone']);
  expect(shown(foldService(held, container('t1', 'unhealthy', 250), context))).toEqual(['t1 gone']);
});

test('a task that a restored swarm runs again serves, in its second container', () => {
  const held = fold(
    report([claim('t1', 10)]),
    container('t1', 'dead', 200),
    report([claim('t1', 20, 'released')]),
    report([claim('t1', 10)], { confirmed: true }),
  );
  const second: ContainerFact = { ...container('t1', 'running', 300), container: 'second' };
  expect(shown(foldService(held, { ...second, state: 'starting' }, context))).toEqual(['t1 starting']);
  expect(shown(foldService(held, second, context))).toEqual(['t1 serving']);
});

test('unhealthy stops new connections, and health brings them back', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'running', 100), container('t1', 'unhealthy', 200));
  expect(shown(held)).toEqual(['t1 unhealthy']);
  expect(shown(foldService(held, container('t1', 'running', 300), context))).toEqual(['t1 serving']);
});

test('a released task drains, and is over when its container is dead', () => {
  const draining = fold(
    report([claim('t1', 10)]),
    container('t1', 'running', 100),
    report([claim('t1', 20, 'released')]),
  );
  expect(shown(draining)).toEqual(['t1 draining']);
  expect(shown(foldService(draining, container('t1', 'dead', 200), context))).toEqual([]);
});

test('absence from a listing deletes nothing; a confirmed 404 does', () => {
  const held = fold(report([claim('t1', 10), claim('t2', 11)]), container('t1', 'dead', 100));
  expect(shown(foldService(held, report([claim('t2', 11)]), context))).toEqual(['t1 gone', 't2 serving']);
  expect(shown(foldService(held, report([claim('t2', 11)], { gone: ['t1'] }), context))).toEqual(['t2 serving']);
});

test('an old report of a task that was removed does not bring it back', () => {
  const removed = fold(report([claim('t1', 10)]), container('t1', 'dead', 100), report([claim('t1', 20, 'released')]));
  expect(shown(foldService(removed, report([claim('t1', 15)]), context))).toEqual([]);
  expect(shown(foldService(removed, report([claim('t2', 21)]), context))).toEqual(['t2 serving']);
});

test('a service told in parts gets the tasks of all of them, whatever their indexes', () => {
  const part = (task: TaskClaim): ServiceFact => ({ ...report([task]), partial: true });
  expect(shown(fold(part(claim('t1', 50)), part(claim('t2', 10))))).toEqual(['t1 serving', 't2 serving']);
});

test('an older spec does not replace a newer one, unless an inspect confirmed it after a restore', () => {
  const held = fold(report([], { index: 9 }));
  expect(foldService(held, report([], { index: 8 }), context)).toBe(held);
  expect(foldService(held, report([], { index: 8, confirmed: true }), context)?.spec.index).toBe(8);
});

test('another spec at the same index is of a restored swarm: an inspect has to confirm it', () => {
  const held = fold(report([], { index: 9 }));
  const other = (confirmed: boolean): ServiceFact => {
    const { spec, ...rest } = report([], { index: 9, confirmed });
    return { ...rest, spec: { ...spec, labels: { changed: 'true' } } };
  };
  expect(foldService(held, other(false), context)).toBe(held);
  expect(foldService(held, other(true), context)?.spec.labels).toEqual({ changed: 'true' });
  expect(foldService(held, report([], { index: 9, confirmed: true }), context)).toBe(held);
});

test('a swarm restored from a backup: confirmed claims count, though their indexes are lower', () => {
  const held = fold(report([claim('t1', 50)]), report([claim('t1', 60, 'released')]), report([claim('t2', 61)]));
  const restored = foldService(
    held,
    report([claim('t1', 40), claim('t2', 39, 'assigned')], { confirmed: true }),
    context,
  );
  expect(shown(restored)).toEqual(['t1 serving', 't2 waiting']);
});

test('a deleted service that a restored swarm has again is confirmed, and serves', () => {
  const gone = fold(report([claim('t1', 10)]), { kind: 'service-gone', service: 'web' });
  const again = foldService(gone, report([claim('t1', 10)], { confirmed: true }), context);
  expect(again?.removedMs).toBeUndefined();
  expect(shown(again)).toEqual(['t1 serving']);
  expect(foldService(gone, report([], { confirmed: true }), context)?.removedMs).toBeUndefined();
});

test('a task that was gone and that a restored swarm has at the same index is wanted again', () => {
  const gone = fold(report([claim('t1', 10)]), container('t1', 'running', 100), report([], { gone: ['t1'] }));
  expect(shown(gone)).toEqual(['t1 draining']);
  expect(shown(foldService(gone, report([claim('t1', 10)], { confirmed: true }), context))).toEqual(['t1 serving']);
});

test('later reports are compared with the index that an inspect confirmed', () => {
  const held = fold(report([claim('t1', 50)]), report([claim('t1', 10)], { confirmed: true }));
  expect(shown(foldService(held, report([claim('t1', 11, 'released')]), context))).toEqual([]);
});

test('a deleted service stays as a tombstone that late facts do not wake', () => {
  const gone = fold(report([claim('t1', 10)]), { kind: 'service-gone', service: 'web' });
  expect(gone).toMatchObject({ removedMs: 1000, endpoints: [] });
  expect(foldService(gone, report([claim('t1', 30)], { index: 30 }), context)).toBe(gone);
  expect(foldService(gone, container('t1', 'running', 300), context)).toBe(gone);
  expect(fold({ kind: 'service-gone', service: 'never-heard' })).toMatchObject({ removedMs: 1000 });
});

test('a fact of the boot that was listed last says nothing against one of the next, however often it is delivered', () => {
  const rebooted = { boot: 'b2', daemon: 'd2' };
  const running = container('t1', 'running', 100);
  const dead = fold(report([claim('t1', 10)]), running, container('t1', 'dead', 5, rebooted)) as FoldedService;
  const listed = (boots: string[]): FoldContext => ({ ...context, isListed: (_, boot) => boots.includes(boot) });
  expect(foldService(dead, running, listed(['b1']))).toBe(dead);
  const life = fold(report([claim('t1', 10)]), running);
  expect(shown(foldService(life, container('t1', 'dead', 5, rebooted), listed(['b1'])))).toEqual(['t1 gone']);
});

test("a node's complete listing ends the containers that it does not have", () => {
  const held = fold(
    report([claim('t1', 10), claim('t2', 11)]),
    container('t1', 'running', 100),
    container('t2', 'running', 100),
  );
  expect(shown(foldService(held, listing('n1', [], 101), context))).toEqual(['t1 gone', 't2 serving']);
  expect(shown(foldService(held, listing('n1', [], 99), context))).toEqual(['t1 serving', 't2 serving']);
  const rebooted = { boot: 'b2', daemon: 'd2' };
  const knowing: FoldContext = { ...context, isListed: (_, boot) => boot === 'b1' };
  expect(shown(foldService(held, listing('n1', [], 5, rebooted), knowing))).toEqual(['t1 gone', 't2 serving']);
});

test('a listing that is only a part ends none', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'running', 100));
  expect(foldService(held, { ...listing('n1', [], 101), partial: true }, context)).toBe(held);
});

test('a listing of the boot before does not end the containers of the next, whose facts were folded first', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'running', 5, { boot: 'b2', daemon: 'd2' }));
  expect(foldService(held, listing('n1', [], 900), context)).toBe(held);
});

test('a listing says nothing of a container that its node has not spoken of', () => {
  const held = fold(report([claim('t1', 10)]));
  expect(foldService(held, listing('n1', [], 500), context)).toBe(held);
});

test('a boot that was replaced is not believed again', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'running', 5, { boot: 'b2', daemon: 'd2' }));
  const knowing: FoldContext = { ...context, isRetired: (_, boot) => boot === 'b1' };
  expect(foldService(held, container('t1', 'dead', 900), knowing)).toBe(held);
  expect(foldService(held, listing('n1', [], 900), knowing)).toBe(held);
});

test('a node cannot speak for a task that its manager placed on another', () => {
  const held = fold(report([claim('t1', 10)]), container('t1', 'running', 100));
  expect(foldService(held, { ...container('t1', 'dead', 200), node: 'n2' }, context)).toBe(held);
});

test('a node that spoke first of a task has said nothing of it, once its manager has placed it on another', () => {
  // By the other's own boot, and from its future: nothing that the task's node says would be later.
  const liar = { ...container('t1', 'running', 1e12), node: 'n9' };
  expect(shown(fold(report([]), liar, report([claim('t1', 10, 'assigned')])))).toEqual(['t1 waiting']);
  const dead = { ...liar, state: 'dead' as const };
  const owner = container('t1', 'running', 100);
  expect(shown(fold(report([]), dead, report([claim('t1', 10)]), owner))).toEqual(['t1 serving']);
  // Nor does it go on where the task's node began.
  expect(shown(fold(report([]), owner, dead, report([claim('t1', 10)])))).toEqual(['t1 serving']);
});

const old = () => true;

test('what ended is not woken by a fact that was overtaken, and is forgotten after a while', () => {
  const claimed = report([claim('t1', 10)]);
  const ended = [
    // Its container died before any manager spoke of it.
    fold(report([]), container('t1', 'dead', 200), container('t1', 'running', 100), claimed),
    fold(claimed, container('t1', 'dead', 200), report([claim('t1', 20, 'released')]), container('t1', 'running', 100)),
    fold(
      claimed,
      report([claim('t1', 20, 'released')]),
      container('t1', 'dead', 200),
      container('t1', 'stopping', 190),
    ),
  ];
  for (const service of ended) expect(service?.endpoints.map(({ container }) => container)).toEqual(['dead']);
  const released = foldService(ended[0], report([claim('t1', 20, 'released')]), context) as FoldedService;
  expect(foldTime(released, () => false, context)).toBe(released);
  expect(foldTime(released, old, context).endpoints).toEqual([]);
});

test('a task that was forgotten is not claimed by its last report, should its node be heard that late', () => {
  const forgotten = foldTime(
    fold(
      report([claim('t1', 10)]),
      container('t1', 'dead', 200),
      report([claim('t1', 20, 'released')]),
    ) as FoldedService,
    old,
    context,
  );
  const late = foldService(forgotten, container('t1', 'running', 100), context);
  expect(shown(late)).toEqual(['t1 waiting']);
  for (const word of ['running', 'released'] as const)
    expect(shown(foldService(late, report([claim('t1', 20, word)]), context))).toEqual(['t1 waiting']);
});

test('a task that was forgotten does not drain when its node is heard minutes late, and its last report was never told', () => {
  const late = fold(report([]), container('t1', 'stopping', 100), report([claim('t1', 30, 'released')]));
  expect(shown(late)).toEqual(['t1 waiting']);
  expect(foldTime(late as FoldedService, old, context).endpoints).toEqual([]);
});

test('a container that survives a signal to stop serves again, once its node says so', () => {
  const stopping = fold(report([claim('t1', 10)]), container('t1', 'running', 100), container('t1', 'stopping', 200));
  expect(shown(foldService(stopping, container('t1', 'running', 150), context))).toEqual(['t1 draining']);
  expect(shown(foldService(stopping, container('t1', 'running', 300), context))).toEqual(['t1 serving']);
});

test('a node that was removed says nothing more of its containers, and nobody waits for it', () => {
  const draining = fold(
    report([claim('t1', 10), claim('t2', 11)]),
    container('t1', 'running', 100),
    report([claim('t1', 20, 'released')]),
  ) as FoldedService;
  expect(shown(foldTime(draining, () => false, context))).toEqual(['t1 draining', 't2 serving']);
  expect(shown(foldTime(draining, () => false, { ...context, isRemoved: (node) => node === 'n1' }))).toEqual([
    't2 serving',
  ]);
});

test('a node that speaks of a task before its manager does speaks of its own only', () => {
  const stranger: ContainerFact = { ...container('t1', 'dead', 90, { boot: 'b9', daemon: 'd9' }), node: 'n9' };
  const known = fold(report([]), stranger, container('t1', 'running', 50), report([claim('t1', 10)], { index: 6 }));
  expect(shown(known)).toEqual(['t1 serving']);
  expect(known?.endpoints).toMatchObject([{ task: 't1', node: 'n1', container: 'unknown' }]);
  expect(known?.endpoints[0]).not.toHaveProperty('incarnation');
  expect(shown(foldService(known as FoldedService, stranger, context))).toEqual(['t1 serving']);
});

test('a node that makes up tasks cannot grow a service without bound, nor keep others from theirs', () => {
  const made = (n: number): ContainerFact => ({ ...container('t1', 'running', n), task: `x${n}` });
  const held = fold(report([]), ...Array.from({ length: 1_000 }, (_, n) => made(n)), container('t2', 'running', 5));
  expect(held?.endpoints).toHaveLength(257);
  expect(held?.endpoints.at(-1)).toMatchObject({ task: 't2', node: 'n2' });
  // Of one that a manager claims it is heard as ever.
  const later = foldService(held, report([claim('t1', 10)], { index: 6 }), context);
  expect(shown(foldService(later, container('t1', 'stopping', 9_999), context))).toContain('t1 draining');
});

test('nor by making up others once a manager said that there are no such tasks', () => {
  const made = (n: number): ContainerFact => ({ ...container('t1', 'running', n), task: `x${n}` });
  const made256 = (from: number) => Array.from({ length: 256 }, (_, n) => made(from + n));
  const told = made256(0).map(({ task }) => task);
  const held = fold(report([]), ...made256(0), report([], { index: 6, gone: told }), ...made256(300));
  expect(held?.endpoints).toHaveLength(256);
});

test('a task that a report has twice is there once', () => {
  expect(shown(fold(report([claim('t1', 10), claim('t1', 11)])))).toEqual(['t1 serving']);
});

test('what a newer decider keeps beside is kept over every fact', () => {
  const held = { ...fold(report([claim('t1', 10)])), later: { x: 1 } } as FoldedService;
  const endpoints = held.endpoints.map((endpoint) => ({ ...endpoint, further: ['y'] }));
  const after = [report([claim('t1', 11, 'released')], { index: 6 }), container('t1', 'stopping', 5)].reduce<
    FoldedService | undefined
  >((service, fact) => foldService(service, fact, context), { ...held, endpoints });
  expect(after).toMatchObject({ later: { x: 1 }, endpoints: [{ claim: 'released', further: ['y'] }] });
});
