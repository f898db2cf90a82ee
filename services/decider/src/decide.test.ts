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
