import { suiteCluster } from '@fairway/cluster/suite';
import { afterAll, test as base } from 'vitest';
import { Swarm } from './swarm.ts';

/** Docker takes 4 s to remove a network, for which no other test has to wait. */
const networks: Promise<void>[] = [];
afterAll(async () => {
  await Promise.all(networks);
});

/** A test on the suite's swarm. What it created is removed after it; a failure first prints the mesh, the rules, the outcomes. */
export const test = base.extend<{ swarm: Swarm }>({
  swarm: async ({ task, onTestFinished }, use) => {
    const swarm = new Swarm(suiteCluster());
    // Not after `use`: fixtures are torn down before a test is known to have failed.
    onTestFinished(async () => {
      if (task.result?.state === 'fail') process.stderr.write(`\n=== ${task.name}\n${await swarm.story()}\n`);
      swarm.close();
      await swarm.removeServices();
      const removed = swarm.removeNetworks();
      // Told after all tests, not amid another.
      removed.catch(() => {});
      networks.push(removed);
    });
    await use(swarm);
  },
});
