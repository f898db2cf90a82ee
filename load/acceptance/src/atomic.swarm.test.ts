// Each change is one transaction whose cost is that of the change, and no connection notices it. Ports 83xx.
import { patience } from '@fairway/cluster';
import { expect } from 'vitest';
import { drains, isSlow } from './drains.ts';
import { saysReady } from './says-ready.ts';
import { test } from './swarm-test.ts';

/** On a machine where each takes so many times as long, so many times fewer. */
const [changes, scalings] = [200 / patience(), 50 / patience()];
const clients = isSlow ? 2 : 4;

test(`${clients} clients see no failure through ${changes} changes of another service`, async ({ swarm }) => {
  await swarm.create('steady', { ports: ['8300:8000'], replicas: 3 });
  // No tasks: Docker starts tasks anew when their ports change, and lets one whose forerunner never ran wait a minute.
  const id = await swarm.create('restless', { ports: ['8301:8000'], replicas: 0 });
  await swarm.answers('steady', 8300, 3);
  await swarm.refused(8301);
  const traffic = swarm.traffic(8300, clients);
  for (let change = 0; change < changes; change++) {
    const ports = [8301, ...(change % 2 === 0 ? [8302] : []), ...(change % 3 === 0 ? [8303, 8304] : [])];
    await swarm.publish(id, ports, 8000);
  }
  await swarm.converged();
  const { answers, failures } = await traffic.end();
  expect(failures).toEqual({});
  expect(Object.keys(answers)).toHaveLength(3);
  await swarm.docker('service', 'scale', '--detach', 'restless=1');
  await swarm.answers('restless', 8301);
});

test(`${clients} clients see no failure through ${scalings} scalings of their own service`, {
  timeout: 300_000 * patience(),
}, async ({ swarm }) => {
  await swarm.create('breathing', { ports: ['8310:8000'], replicas: 2, options: [...drains(2), ...saysReady] });
  await swarm.answers('breathing', 8310, 2);
  const traffic = swarm.traffic(8310, clients);
  for (let scaling = 0; scaling < scalings; scaling++) {
    const replicas = scaling % 2 === 0 ? 4 : 2;
    await swarm.docker('service', 'scale', '--detach', `breathing=${replicas}`);
    await swarm.view(`${replicas} tasks to serve`, ({ services }) => {
      const serving = services.find(({ name }) => name === 'breathing')?.serving;
      return serving === replicas || `${serving} serve`;
    });
    // Fairway hears of a container before Docker's manager does. One that is to end a task in the moment in which it writes
    // down that the task runs fails ("failed to update task to REMOVE", "update out of sequence"), and leaves it running.
    await swarm.running('breathing', replicas);
  }
  await swarm.converged();
  const { failures } = await traffic.end();
  expect(failures).toEqual({});
});

test('a change costs as many elements as it changes, and moves nothing else', async ({ swarm }) => {
  await swarm.create('wide', { ports: ['8320:8000', '8321:8000'], replicas: 3 });
  const id = await swarm.create('narrow', { ports: ['8322:8000'] });
  await swarm.answers('wide', 8320, 3);
  await swarm.answers('narrow', 8322);
  const node = swarm.cluster.manager;
  const monitor = await swarm.monitor(node);
  await swarm.publish(id, [8322, 8323], 8000);
  await swarm.answers('narrow', 8323);
  expect(await monitor.end()).toEqual([
    expect.stringMatching(/^add element inet fairway ports { tcp \. 8323 : [0-9.]+ }$/),
    'add element inet fairway refused { tcp . 8323 : goto refuse }',
  ]);
});
