import { SimulatedClock } from '@fairway/bus';
import type { ContainerFact } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { expect, test } from 'vitest';
import { Oddities } from './oddities.ts';

test('the first of each kind is named, the others are counted, once a minute', async () => {
  const clock = new SimulatedClock();
  const said: unknown[] = [];
  const say = (_: string, fields?: Record<string, unknown>) => void said.push(fields);
  const log: Log = { debug: say, info: say, warn: say, error: say, with: () => log };
  const oddities = new Oddities(log, clock);
  const about = (task: string): ContainerFact => ({
    ...{ kind: 'container', node: 'n1', service: 'web', task, container: 'c', state: 'running' },
    reading: { incarnation: { boot: 'b', daemon: 'd' }, tick: 1 },
  });
  for (const task of ['t1', 't2', 't3']) oddities.count('it was told before', about(task));
  oddities.count('its task is on another node', about('t4'));
  oddities.count('what it tells of was removed before', { kind: 'node-gone', node: 'n2' });
  expect(said).toEqual([
    { why: 'it was told before', kind: 'container', task: 't1', node: 'n1', service: 'web', state: 'running' },
    { why: 'its task is on another node', kind: 'container', task: 't4', node: 'n1', service: 'web', state: 'running' },
    { why: 'what it tells of was removed before', kind: 'node-gone', of: 'n2' },
  ]);
  await clock.settle(Promise.resolve(), 200_000);
  expect(said.slice(3)).toEqual([{ why: 'it was told before', count: 3 }]);
  oddities.count('its task is on another node', about('t4'));
  oddities.end();
  await clock.settle(Promise.resolve(), 200_000);
  expect(said).toHaveLength(4);
});
