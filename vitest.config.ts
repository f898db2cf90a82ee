import { defineConfig } from 'vitest/config';

const everywhere = ['services', 'shared', 'infra', 'load'].map((dir) => `${dir}/**`);

/** Tests that need something real say what in their name: `x.kernel.test.ts`. */
function named(kind: string): string[] {
  return everywhere.map((dir) => `${dir}/*.${kind}.test.ts`);
}

const real = ['nats', 'kernel', 'docker', 'swarm'];

export default defineConfig({
  test: {
    // Of tests that say `concurrent`: more than three swarms' worth of starting containers is too much for two cores.
    maxConcurrency: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: everywhere.map((dir) => `${dir}/*.test.ts`),
          exclude: ['**/node_modules/**', ...real.flatMap(named)],
        },
      },
      // A nats-server per file, on a port of its own.
      { test: { name: 'nats', include: named('nats'), testTimeout: 30_000, hookTimeout: 30_000 } },
      // Namespaces per file, named by it.
      { test: { name: 'kernel', include: named('kernel'), testTimeout: 30_000, hookTimeout: 30_000 } },
      {
        test: {
          name: 'docker',
          include: named('docker'),
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'swarm',
          include: named('swarm'),
          // All share one swarm, and tests of failures take parts of it down.
          fileParallelism: false,
          globalSetup: ['infra/cluster/src/suite-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
