import type { ServiceSpec, TaskClaim } from '@fairway/mesh';
import { expect, it } from 'vitest';
import { gist, serviceFacts, servicePicture } from './service-picture.ts';

const spec: ServiceSpec = { id: 's1', name: 'web', index: 7, mode: 'vip', ports: [], vips: [], labels: {} };
const task = (id: string, change: Partial<TaskClaim> = {}): TaskClaim => ({
  id,
  node: 'n1',
  index: 5,
  claim: 'running',
  addresses: [],
  ...change,
});

it('is the same in whatever order Docker lists, and with other indexes', () => {
  const one = servicePicture(spec, [task('a'), task('b')], ['x', 'y'], false);
  const other = servicePicture({ ...spec, index: 9 }, [task('b', { index: 6 }), task('a')], ['y', 'x'], false);
  expect(gist(other)).toBe(gist(one));
});

it('is another one with another claim, a task gone, or the word of an inspect', () => {
  const gists = [
    servicePicture(spec, [task('a')], [], false),
    servicePicture(spec, [task('a', { claim: 'released' })], [], false),
    servicePicture(spec, [task('a')], ['b'], false),
    servicePicture(spec, [task('a')], [], true),
    servicePicture({ ...spec, replicas: 2 }, [task('a')], [], false),
  ].map(gist);
  expect(new Set(gists).size).toBe(gists.length);
});

it('is cut into messages that the bus takes', () => {
  const many = Array.from({ length: 2500 }, (_, n) => task(`task${n}`));
  const facts = serviceFacts(servicePicture(spec, many, ['gone'], false));
  expect(facts.map(({ tasks, gone }) => [tasks.length, gone.length])).toEqual([
    [1000, 1],
    [1000, 0],
    [500, 0],
  ]);
  expect(serviceFacts(servicePicture(spec, [], [], false))).toHaveLength(1);
});
