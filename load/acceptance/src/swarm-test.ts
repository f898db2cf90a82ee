import { suiteCluster } from '@fairway/cluster/suite';
import { test as base } from 'vitest';
import { Swarm } from './swarm.ts';

/** A test on the suite's swarm. What it created is removed after it; a failure prints the mesh, the rules, the outcomes. */
export const test = base.extend<{ swarm: Swarm }>({
  swarm: async ({ task, onTestFailed }, use) => {
    const swarm = new Swarm(suiteCluster());
    onTestFailed(async () => {
      process.stderr.write(`\n=== ${task.name}\n${await swarm.story()}\n`);
    });
    await use(swarm);
    await swarm.removeAll();
  },
});
