import { createMemoryBus, factStream, readFact } from '@fairway/bus';
import { emptyMesh, type Fact } from '@fairway/mesh';
import { createLog } from '@fairway/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DockerWorld, eventually } from './docker-contract.ts';
import { meshView } from './mesh-view.ts';
import { startRealDocker } from './real-docker.ts';
import { startWatcher, type Watcher } from './watcher.ts';
import { show } from './watcher-lab.ts';

let world: DockerWorld;
let watcher: Watcher;
const facts: Fact[] = [];
const seen: { task: string; state: string; atMs: number }[] = [];

beforeAll(async () => {
  world = await startRealDocker('wwatch');
  const bus = createMemoryBus();
  await bus.provision();
  bus.tail(factStream.name, factStream.subjects[0] ?? '', (message) => facts.push(readFact(message).body));
  watcher = startWatcher({
    docker: world.docker,
    bus,
    view: meshView({ current: undefined, mesh: emptyMesh('') }),
    log: createLog('watcher', { FAIRWAY_LOG: 'error' }),
    onOwn: (change) => {
      if (change.kind === 'container') seen.push({ ...change, atMs: performance.now() });
    },
  });
});

afterAll(async () => {
  await watcher?.stop();
  await world?.end();
});

const about = (service: string) => facts.filter((fact) => 'service' in fact && fact.service === service);
const last = (service: string) =>
  facts.findLast((fact) => fact.kind === 'service' && fact.spec.id === service) as
    | Extract<Fact, { kind: 'service' }>
    | undefined;
const claimsOf = (service: string, claim: string) => last(service)?.tasks.filter((task) => task.claim === claim) ?? [];
const isToldReleased = (service: string, task: string) =>
  facts.some(
    (fact) =>
      fact.kind === 'service' &&
      fact.spec.id === service &&
      fact.tasks.some(({ id, claim }) => id === task && claim === 'released'),
  );

it('reports the swarm as it finds it, and knows its own sandbox', async () => {
  await eventually(async () => facts.some(({ kind }) => kind === 'swarm-listing'));
  const lines = facts.map(show);
  expect(lines.filter((line) => line.startsWith('node-listing'))).toHaveLength(1);
  expect(lines.slice(-3)).toEqual(['network ingress', 'node node1 ready', 'swarm-listing']);
  const own = await eventually(async () => watcher.own()?.gateway && watcher.own());
  expect(own).toMatchObject({
    gateway: { family: 'ip' },
    incarnation: { daemon: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

it('tells of a service as Swarm makes it, scales it and loses a container of it', async () => {
  const id = await world.createService({ name: 'web', replicas: 1, published: 8103 });
  await eventually(async () => claimsOf(id, 'running').length === 1);
  expect(last(id)?.spec).toMatchObject({
    name: 'web',
    mode: 'vip',
    replicas: 1,
    ports: [{ protocol: 'tcp', first: 8103, last: 8103, target: 80 }],
  });
  expect(last(id)?.tasks[0]?.addresses).toHaveLength(1);
  expect(
    about(id)
      .map(show)
      .map((line) => line.split(' ').at(-1)),
  ).toEqual(['starting', 'running']);

  await world.scaleService(id, 3);
  await eventually(async () => claimsOf(id, 'running').length === 3 && last(id)?.spec.replicas === 3);

  const killed = about(id).find((fact) => fact.kind === 'container' && fact.state === 'running');
  if (killed?.kind !== 'container') throw new Error('no container runs');
  const killedMs = performance.now();
  await world.killContainer(killed.container);
  const death = await eventually(async () => seen.find(({ task, state }) => task === killed.task && state === 'dead'));
  // The way of one event over a socket; the bound is for a machine that is busy with other things.
  expect(death.atMs - killedMs).toBeLessThan(1_000);
  expect(
    about(id)
      .filter((fact) => fact.kind === 'container' && fact.task === killed.task)
      .map(show)
      .slice(-2),
  ).toEqual([`container ${killed.task} stopping`, `container ${killed.task} dead`]);
  // Once: what has ended, and no mesh has, is not told again.
  await eventually(async () => isToldReleased(id, killed.task));
  await eventually(async () => claimsOf(id, 'running').length === 3);

  await world.removeService(id);
  await eventually(async () => facts.some((fact) => fact.kind === 'service-gone' && fact.service === id));
  await eventually(async () => [...(watcher.own()?.containers.values() ?? [])].every(({ state }) => state === 'dead'));
});

it('lists everything under a new incarnation when dockerd was started again', async () => {
  const before = watcher.own()?.incarnation;
  const id = await world.createService({ name: 'lasting', replicas: 1, published: 8104 });
  await eventually(async () => claimsOf(id, 'running').length === 1);
  facts.length = 0;
  await world.stopDaemon();
  await world.startDaemon();
  const listing = await eventually(async () => facts.find((fact) => fact.kind === 'node-listing'));
  expect(listing.kind === 'node-listing' && listing.incarnation).toEqual(watcher.own()?.incarnation);
  expect(watcher.own()?.incarnation.boot).toBe(before?.boot);
  expect(watcher.own()?.incarnation.daemon).not.toBe(before?.daemon);
  // Swarm starts another task in the place of the one that ended with its daemon.
  await eventually(async () => claimsOf(id, 'running').length === 1);
  const running = await eventually(async () =>
    about(id).find((fact) => fact.kind === 'container' && fact.state === 'running'),
  );
  expect(running.kind === 'container' && running.reading.incarnation).toEqual(watcher.own()?.incarnation);
});
