import { createMemoryBus, type Envelope, keys, readService, SimulatedClock } from '@fairway/bus';
import { expect, test } from 'vitest';
import { decideService } from './decide.ts';
import { claim, container, report } from './decider-lab.ts';

const context = { nowMs: 1000, isRetired: () => false, isListed: () => false, isRemoved: () => false };
const told = <Body>(body: Body, event: string): Envelope<Body> => {
  return { schema: 1, epoch: 'e', sender: 'n1', event, atMs: 0, trace: `00-${event}`, body };
};

test('a fact that was delivered twice is one cause of a write, though it has more to say after those between', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const work = async () => {
    await bus.provision();
    const gone = told(report('web', 5, [claim('t2', 'n1', 6)], ['t1']), 'gone');
    const late = told(container('web', 't1', 'n1', 100), 'late');
    await decideService(bus.mesh, 'web', [gone, late, gone], context);
    const entry = readService('service.web', (await bus.mesh.get(keys.service('web')))?.text ?? '');
    expect(entry.endpoints.map((held) => [held.task, held.claim])).toEqual([
      ['t2', 'running'],
      ['t1', 'released'],
    ]);
    expect(entry.causes.map(({ event }) => event)).toEqual(['gone', 'late']);
  };
  await clock.settle(work());
});

test('a fact in which something is odd changes nothing, and is told of', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const odd: string[] = [];
  const decide = (...bodies: Parameters<typeof told<ReturnType<typeof container>>>[0][]) =>
    decideService(
      ...([bus.mesh, 'web', bodies.map((body) => told(body, 'container')), context, undefined] as const),
      (oddity, { task }) => odd.push(`${task}: ${oddity}`),
    );
  const work = async () => {
    await bus.provision();
    await decideService(bus.mesh, 'web', [told(report('web', 5, [claim('t1', 'n1', 6)]), 'report')], context);
    await decide(container('web', 't1', 'n1', 100));
    expect(odd).toEqual([]);
    const before = (await bus.mesh.get(keys.service('web')))?.revision;
    await decide(
      container('web', 't1', 'n1', 100),
      container('web', 't1', 'n1', 50),
      container('web', 't1', 'n2', 200),
    );
    expect(odd).toEqual([
      't1: it was told before',
      't1: a later one of its node was there before it',
      't1: its task is on another node',
    ]);
    expect((await bus.mesh.get(keys.service('web')))?.revision).toBe(before);
  };
  await clock.settle(work());
});
