import type { TestProject } from 'vitest/node';
import { fairwayConverged } from './converged.ts';
import { tracesUrl } from './fairway.ts';
import { keepLogs, startCluster } from './start.ts';

/** Starts the swarm before the first `*.swarm.test.ts` and removes it after the last one; the logs stay. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const startMs = performance.now();
  const report = (line: string) => {
    process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(5)} s  ${line}\n`);
  };
  // On the LAN, where nothing listens but during the tests of traces: all others show that it delays nothing.
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = tracesUrl;
  // Tests of the bus itself have three servers to themselves (shared/credentials); FAIRWAY_BUS=cluster has all tests of the
  // swarm run on three, too.
  const bus = process.env.FAIRWAY_BUS === 'cluster' ? 'cluster' : 'single';
  const cluster = await startCluster({ name: 'test', nodes: 3, fairway: true, bus, report });
  const tearDown = async () => {
    report(`removing the cluster; its logs are kept in ${keepLogs(cluster.name)}`);
    await cluster.stop();
  };
  try {
    await fairwayConverged(cluster, { limitMs: 60_000 });
  } catch (error) {
    await tearDown();
    throw error;
  }
  cluster.writeShortcuts();
  report('Fairway is up on every node');
  project.provide('clusterName', cluster.name);
  return tearDown;
}
