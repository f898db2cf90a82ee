import type { Claim, Service, ServiceSpec } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { behindDocker } from './behind-docker.ts';

const spec: ServiceSpec = {
  id: 's1',
  name: 'web',
  index: 7,
  mode: 'vip',
  ports: [],
  vips: [],
  labels: { a: 'b', c: 'd' },
};
const endpoint = (task: string, claim: Claim) =>
  ({ task, node: 'n1', claim, index: 1, addresses: [], container: 'running', sinceMs: 0 }) as const;
const endpoints = [endpoint('t1', 'running'), endpoint('t2', 'assigned'), endpoint('t0', 'released')];
const service: Service = { spec, endpoints, causes: [], seen: 1 };

test('nothing where the mesh has what Docker has, whatever their indexes and order', () => {
  const labels = { c: 'd', a: 'b' };
  expect(behindDocker(service, { spec: { ...spec, index: 9, labels }, wanted: ['t2', 't1'], unread: [] })).toEqual({
    index: 9,
    unheard: [],
  });
});

test('an update, also one that Swarm has just begun', () => {
  const unheard = ['the mesh to hear of its update'];
  for (const change of [{ replicas: 3 }, { update: 'updating' }] as const)
    expect(behindDocker(service, { spec: { ...spec, ...change }, wanted: ['t1', 't2'], unread: [] })).toEqual({
      index: 7,
      unheard,
    });
});

test('tasks that Docker has and the mesh has not, and the other way round', () => {
  const of = (...wanted: readonly string[]) => behindDocker(service, { spec, wanted, unread: [] }).unheard;
  expect(of('t1', 't2', 't3')).toEqual(['the mesh to hear what Docker decided of one of its tasks']);
  expect(of('t1')).toEqual(['the mesh to hear what Docker decided of one of its tasks']);
  expect(of('t0', 't1', 't3')).toEqual(['the mesh to hear what Docker decided of 3 of its tasks']);
});

test('a task that only its node has told of is unknown to the mesh yet', () => {
  const told = { ...service, endpoints: [endpoint('t1', 'absent')] };
  expect(behindDocker(told, { spec, wanted: ['t1'], unread: [] }).unheard).toHaveLength(1);
});

test('a service that Docker has no more', () => {
  expect(behindDocker(service, undefined)).toEqual({ unheard: ['the mesh to hear that Docker has it no more'] });
});

test('what a manager of another release says more, or less, is no update', () => {
  const later = { ...spec, later: 1 };
  const of = (held: ServiceSpec, told: ServiceSpec) =>
    behindDocker({ ...service, spec: held }, { spec: told, wanted: ['t1', 't2'], unread: [] }).unheard;
  expect([...of(spec, later), ...of(later, spec)]).toEqual([]);
});

test('a task that could not be read is neither wanted nor not', () => {
  expect(behindDocker(service, { spec, wanted: ['t1'], unread: ['t2', 't9'] }).unheard).toEqual([]);
});
