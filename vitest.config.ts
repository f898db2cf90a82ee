import { defineConfig } from 'vitest/config';
import { credentialsBundle, formHere } from './infra/cluster/src/program.ts';
import { patience } from './infra/cluster/src/wait.ts';

const everywhere = ['services', 'shared', 'infra', 'load'].map((dir) => `${dir}/**`);

/** Tests that need something real say what in their name: `x.kernel.test.ts`. */
function named(kind: string): string[] {
  return everywhere.map((dir) => `${dir}/*.${kind}.test.ts`);
}

/** Seconds on a usual machine. */
function limits(testSeconds: number, hookSeconds: number) {
  return { testTimeout: testSeconds * 1000 * patience(), hookTimeout: hookSeconds * 1000 * patience() };
}

const apart = ['nats', 'kernel', 'docker', 'swarm', 'lab', 'seeds'];

export default defineConfig({
  resolve: { alias: formHere() === 'bundle' ? { '@fairway/credentials': credentialsBundle } : {} },
  test: {
    // Of tests that say `concurrent`: more than three swarms' worth of starting containers is too much for two cores. An
    // emulated machine does one at a time: three took 11 to 20 minutes, and outlived containers that end by themselves.
    maxConcurrency: patience() > 1 ? 1 : 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: everywhere.map((dir) => `${dir}/*.test.ts`),
          exclude: ['**/node_modules/**', ...apart.flatMap(named)],
        },
      },
      // One test that takes all cores by itself.
      { test: { name: 'seeds', include: named('seeds'), ...limits(1200, 30) } },
      // A nats-server per file, on a port of its own, or three: elections take their time from what else is busy.
      { test: { name: 'nats', include: named('nats'), fileParallelism: false, ...limits(30, 30) } },
      // Namespaces per file, named by it.
      { test: { name: 'kernel', include: named('kernel'), ...limits(30, 30) } },
      // The emulated machine itself, by `npm run full`: what runs in the machine is a stage of `npm test`.
      { test: { name: 'lab', include: named('lab'), testTimeout: 120_000, hookTimeout: 120_000 } },
      {
        test: {
          name: 'docker',
          include: named('docker'),
          fileParallelism: false,
          ...limits(60, 120),
        },
      },
      {
        test: {
          name: 'swarm',
          include: named('swarm'),
          // All share one swarm, and tests of failures take parts of it down.
          fileParallelism: false,
          globalSetup: ['infra/cluster/src/suite-setup.ts'],
          ...limits(120, 120),
        },
      },
    ],
  },
});
