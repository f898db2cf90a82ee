import { factMessage, keys, subjects, tombstoneMs } from '@fairway/bus';
import { describe, expect, test } from 'vitest';
import { claim, container, life, openLab, report, shown } from './decider-lab.ts';

// Manager m1; tasks tN of service `web` on nodes n1 and n2, at 10.0.0.N on network `ingress`.

const nodeFact = (id: string, index = 1) =>
  ({
    kind: 'node',
    node: { id, name: id, index, role: 'worker', availability: 'active', state: 'ready', labels: {} },
    confirmed: false,
  }) as const;
const nodeListing = (node: string, tick: number, tasks: string[], incarnation = life) =>
  ({ kind: 'node-listing', listing: `l${tick}`, node, incarnation, tick, tasks }) as const;
const swarmListing = (epoch: string, listing = 'l1') => ({ kind: 'swarm-listing', listing, epoch }) as const;

describe('facts become the mesh', () => {
  test('a service, its tasks and their containers, with what caused them', async () => {
    const lab = await openLab();
    await lab.tell(report('web', 5, [claim('t1', 'n1', 6), claim('t2', 'n2', 7, 'assigned')]));
    await lab.until(() => lab.mesh.services.has('web'));
    expect(shown(lab.mesh, 'web')).toEqual(['t1 running unknown', 't2 assigned unknown']);

    await lab.tell(container('web', 't2', 'n2', 100));
    await lab.until(() => shown(lab.mesh, 'web').includes('t2 assigned running'));
    expect(lab.mesh.services.get('web')?.causes.map(({ event, after }) => [event, after])).toEqual([
      ['service web', 0],
      ['container web', 2],
    ]);
    expect(lab.writes).toEqual(['2 service.web', '3 service.web']);
  });

  test('nodes and networks, and that they are gone', async () => {
    const lab = await openLab();
    const network = {
      id: 'ing',
      name: 'ingress',
      index: 3,
      ingress: true,
      attachable: false,
      internal: false,
      encrypted: false,
    };
    await lab.tell(nodeFact('n1'), { kind: 'network', network });
    await lab.until(() => lab.mesh.nodes.has('n1') && lab.mesh.networks.has('ing'));
    expect(lab.mesh.nodes.get('n1')?.claim?.state).toBe('ready');
    expect(lab.mesh.networks.get('ing')).toEqual(network);

    await lab.tell({ kind: 'node-gone', node: 'n1' }, { kind: 'network-gone', network: 'ing' });
    await lab.until(() => lab.mesh.nodes.get('n1')?.removedMs !== undefined);
    await lab.until(() => lab.mesh.networks.get('ing')?.removedMs !== undefined);
  });

  test('a burst makes two writes, of its first fact and of all that follow; what brings nothing new makes none', async () => {
    const lab = await openLab();
    const tasks = Array.from({ length: 20 }, (_, n) => claim(`t${n}`, 'n1', 10 + n));
    await lab.tell(report('web', 5, tasks));
    await lab.tell(...tasks.map(({ id }, n) => container('web', id, 'n1', 100 + n)));
    await lab.until(() => shown(lab.mesh, 'web').every((line) => line.endsWith('running running')));
    expect(lab.writes).toEqual(['2 service.web', '3 service.web']);

    await lab.tell(report('web', 5, tasks), container('web', 't3', 'n1', 103));
    await lab.pass(1_000);
    expect(lab.writes).toHaveLength(2);

    await lab.tell(container('web', 't3', 'n1', 200, 'dead'));
    await lab.pass(11);
    await lab.tell(container('web', 't4', 'n1', 201, 'dead'));
    await lab.pass(1_000);
    expect(lab.writes.slice(2)).toEqual(['4 service.web', '5 service.web']);
  });

  test('facts about several objects make a write each, whichever comes first', async () => {
    const lab = await openLab();
    await lab.tell(report('web', 5, []), report('api', 6, []), nodeFact('n1'));
    await lab.until(() => lab.writes.length === 3);
    expect(lab.writes.map((line) => line.split(' ')[1]).sort()).toEqual(['node.n1', 'service.api', 'service.web']);
  });
});

describe('what cannot be read goes to the dead letters, and changes nothing', () => {
  const fact = container('web', 't1', 'n1', 100);
  const good = factMessage('n1', 'none', fact, 'container start', 0, '00-x');
  const subject = subjects.fact('n1', 'container', 'web');
  test.each([
    ['garbage', { subject, text: '{]' }, 'not JSON'],
    ['a value that does not fit', { subject, text: good.text.replace('"running"', '"asleep"') }, 'body.state'],
    [
      'a version that nobody knows yet',
      { subject, text: good.text.replace('"schema":1', '"schema":2') },
      'schema: version 2 is none that this release reads',
    ],
    ['another object than on the subject', { ...good, subject: subjects.fact('n1', 'container', 'api') }, 'belongs on'],
    [
      'a reason as long as a message',
      { subject, text: `{"schema":1,"body":{"kind":"service","spec":{"labels":{"${'x'.repeat(900_000)}":1}}}}` },
      'epoch: ',
    ],
    [
      'a node that speaks for another',
      { subject: subjects.fact('n2', 'container', 'web'), text: good.text.replace('"sender":"n1"', '"sender":"n2"') },
      'node n2 speaks for node n1',
    ],
  ])('%s', async (_, message, reason) => {
    const lab = await openLab();
    await lab.send(message, 'bad');
    await lab.until(() => lab.putAside.length > 0);
    expect(lab.putAside[0]).toContain(reason);
    expect(lab.said[0]).toContain(reason);
    await lab.tell(report('web', 5, []));
    await lab.until(() => lab.writes.length > 0);
    await lab.pass(60_000);
    expect(lab.putAside).toHaveLength(1);
    expect(lab.writes).toEqual(['2 service.web']);
  });

  test("a fact about an entry that cannot be read waits until it can: the entry may be a newer decider's", async () => {
    const lab = await openLab();
    await lab.clock.settle(lab.bus.mesh.put(keys.service('web'), '{"schema":9}', 0));
    await lab.tell(report('web', 5, []), report('api', 5, []));
    await lab.until(() => lab.mesh.services.has('api'));
    await lab.pass(60_000);
    expect(lab.putAside).toEqual([]);
    expect(lab.writes).toEqual(['2 service.web', '3 service.api']);
    await lab.clock.settle(lab.bus.mesh.delete(keys.service('web'), 2));
    await lab.until(() => lab.mesh.services.has('web'));
  });

  test('and is put aside after five minutes, so that listings do not wait for it; the entry stays', async () => {
    const lab = await openLab();
    await lab.clock.settle(lab.bus.mesh.put(keys.service('web'), '{"schema":9}', 0));
    await lab.tell(report('web', 5, []));
    await lab.pass(310_000);
    expect(lab.putAside).toEqual([
      expect.stringContaining('service.web: schema: version 9 is none that this release reads'),
    ]);
    expect(lab.writes).toEqual(['2 service.web']);
  });

  test('one that would make an entry larger than the bus takes; those that came with it count', async () => {
    const lab = await openLab();
    const tasks = Array.from({ length: 450 }, (_, n) => claim(`t${n}`, 'n1', 6 + n));
    await lab.tell(report('web', 5, tasks));
    await lab.until(() => lab.mesh.services.has('web'));
    const { spec, ...rest } = report('web', 6, []);
    const labels = Object.fromEntries(Array.from({ length: 255 }, (_, n) => [`fairway.${n}`, 'x'.repeat(4_000)]));
    await lab.tell({ ...rest, spec: { ...spec, labels } });
    await lab.tell(container('web', 't1', 'n1', 1));
    await lab.until(() => shown(lab.mesh, 'web').includes('t1 running running'));
    await lab.until(() => lab.putAside.length > 0);
    expect(lab.putAside[0]).toMatch(/^fairway\.fact\.m1\.service\.web: MessageTooLarge: service\.web has \d+ bytes/);
    expect(lab.putAside).toHaveLength(1);
    expect(lab.mesh.services.get('web')?.spec.index).toBe(5);
  });
});

describe('a container of an unknown service', () => {
  test('waits, and counts once a manager has reported the service', async () => {
    const lab = await openLab();
    await lab.tell(container('web', 't1', 'n1', 100));
    await lab.pass(3_000);
    expect(lab.writes).toEqual([]);
    await lab.tell(report('web', 5, [claim('t1', 'n1', 6)]));
    await lab.until(() => shown(lab.mesh, 'web').includes('t1 running running'));
    expect(lab.putAside).toEqual([]);
  });

  test('is put aside when no manager ever does', async () => {
    const lab = await openLab();
    await lab.tell(container('web', 't1', 'n1', 100));
    await lab.until(() => lab.putAside.length > 0);
    expect(lab.clock.nowMs()).toBeGreaterThan(9_900);
    expect(lab.putAside).toEqual(['fairway.fact.n1.container.web: no manager has reported service.web']);
  });
});

describe("a manager's listing", () => {
  test('makes the mesh complete, once everything before it is folded in', async () => {
    const lab = await openLab();
    const epoch = lab.mesh.generation.epoch;
    await lab.tell(container('web', 't1', 'n1', 100), swarmListing(epoch));
    await lab.pass(900);
    expect(lab.mesh.complete).toBe(false);

    await lab.tell(report('web', 5, [claim('t1', 'n1', 6)]));
    await lab.until(() => lab.mesh.complete);
    expect(lab.writes.at(-1)).toMatch(/complete$/);
    expect(shown(lab.mesh, 'web')).toEqual(['t1 running running']);

    await lab.tell(swarmListing(epoch, 'l2'));
    await lab.pass(1_000);
    expect(lab.writes.at(-1)).toMatch(/complete$/);
    expect(lab.writes.filter((line) => line.endsWith('complete'))).toHaveLength(1);
  });

  test('tells which services there are: the container of another is put aside at once, and holds up nothing', async () => {
    const lab = await openLab();
    const { epoch } = lab.mesh.generation;
    await lab.tell(container('gone', 't1', 'n1', 100), report('web', 5, []), swarmListing(epoch));
    await lab.until(() => lab.mesh.complete);
    expect(lab.clock.nowMs()).toBeLessThan(3_000);
    expect(lab.putAside).toEqual([expect.stringContaining('no manager has reported service.gone')]);

    // What comes after the listing may be of a service that is new.
    await lab.tell(container('new', 't2', 'n1', 101));
    await lab.pass(5_000);
    await lab.tell(report('new', 6, [claim('t2', 'n1', 6)]));
    await lab.until(() => shown(lab.mesh, 'new').includes('t2 running running'));
  });

  test('of another epoch changes nothing', async () => {
    const lab = await openLab();
    await lab.tell(swarmListing('e0'));
    await lab.pass(1_000);
    expect(lab.writes).toEqual([]);
    expect(lab.putAside).toEqual([]);
  });

  test('waits, however long, until what was before it is folded in', async () => {
    let isBlocked = true;
    const lab = await openLab({
      connect: (bus) => ({ ...bus, ackFloor: async (...of) => (isBlocked ? 0 : bus.ackFloor(...of)) }),
    });
    await lab.tell(report('web', 5, []));
    await lab.until(() => lab.writes.length === 1);
    lab.writes.length = 0;
    const { epoch } = lab.mesh.generation;
    await lab.tell(swarmListing(epoch));
    await lab.pass(120_000);
    expect(lab.writes).toEqual([]);
    isBlocked = false;
    await lab.until(() => lab.writes.length === 1);
    expect(lab.writes[0]).toContain('complete');
    expect(lab.putAside).toEqual([]);
  });
});

describe("a node's listing", () => {
  test('ends the containers that it lacks, and makes its incarnation the current one', async () => {
    const lab = await openLab();
    const tasks = [claim('t1', 'n1', 6), claim('t2', 'n1', 7), claim('t3', 'n2', 8), claim('t4', 'n1', 9)];
    await lab.tell(nodeFact('n1'), report('web', 5, tasks));
    await lab.tell(container('web', 't1', 'n1', 100), container('web', 't2', 'n1', 101));
    await lab.tell(container('web', 't3', 'n2', 100), nodeListing('n1', 150, ['t1']));
    await lab.until(() => lab.mesh.nodes.get('n1')?.incarnation !== undefined);
    expect(shown(lab.mesh, 'web')).toEqual([
      't1 running running',
      't2 running dead',
      't3 running running',
      't4 running unknown',
    ]);
    expect(lab.mesh.nodes.get('n1')).toMatchObject({ incarnation: life, claim: { id: 'n1' } });
  });

  test('does not end what came after it was taken', async () => {
    const lab = await openLab();
    await lab.tell(report('web', 5, [claim('t1', 'n1', 6)]), container('web', 't1', 'n1', 200));
    await lab.tell(nodeListing('n1', 150, []));
    await lab.until(() => lab.mesh.nodes.has('n1'));
    expect(shown(lab.mesh, 'web')).toEqual(['t1 running running']);
  });
});

// Each of the two deciders gets the listing once: the one that made the new bucket, and the one that did not.
test.each([0, 1])('a bus that was wiped is filled and completed anew, listing %i', async (before) => {
  const lab = await openLab({ deciders: 2 });
  const { epoch: first } = lab.mesh.generation;
  const tasks = [claim('t1', 'n1', 6)];
  await lab.tell(report('web', 5, tasks), swarmListing(first));
  await lab.until(() => lab.mesh.complete);

  lab.bus.wipe();
  await lab.until(() => lab.mesh.generation.epoch !== first);
  expect(lab.mesh).toMatchObject({ complete: false, services: new Map() });
  const { epoch } = lab.mesh.generation;
  for (let n = 0; n < before; n++) {
    await lab.tell(nodeFact('n1'));
    await lab.until(() => lab.mesh.nodes.has('n1'));
    await lab.pass(1);
  }
  await lab.tell(swarmListing(epoch));
  await lab.until(() => lab.mesh.complete);
  await lab.tell(report('web', 5, tasks));
  await lab.until(() => lab.mesh.services.has('web'));
  expect(shown(lab.mesh, 'web')).toEqual(['t1 running unknown']);
});

test('entries of what was removed are deleted when no fact about them can be on its way', async () => {
  const lab = await openLab();
  await lab.tell(report('web', 5, [claim('t1', 'n1', 6)]), nodeFact('n1'));
  await lab.tell({ kind: 'service-gone', service: 'web' }, { kind: 'node-gone', node: 'n1' });
  await lab.until(() => shown(lab.mesh, 'web')[0] === 'removed');
  await lab.tell(container('web', 't1', 'n1', 100));
  await lab.pass(tombstoneMs - 120_000);
  expect(shown(lab.mesh, 'web')).toEqual(['removed']);
  await lab.pass(240_000);
  expect(lab.mesh.services.size + lab.mesh.nodes.size).toBe(0);
});
