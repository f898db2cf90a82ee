import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, fairwayConverged, imageName, run } from '@fairway/cluster';
import type { Measuring } from './measuring.ts';
import { processorMs, residentMb } from './process-usage.ts';

const services = 100;
const firstPort = 20_000;
/** How long the processes are left alone while their processor time is measured. */
const idleMs = 60_000;

/** Resident memory and idle processor time of Fairway's processes with 100 services, each of a task and a port. */
export async function measureFootprint(cluster: Cluster, { report, signal }: Measuring): Promise<string> {
  const socket = `unix://${cluster.manager.socket}`;
  for (let n = 0; n < services; n += 1) {
    signal.throwIfAborted();
    const published = `${firstPort + n}:8000`;
    await run([
      ...['docker', '-H', socket, 'service', 'create', '--no-resolve-image', '--detach', '--name', `service-${n}`],
      ...['--publish', published, imageName],
    ]);
    if (n % 10 === 9) report(`${n + 1} services`);
  }
  await fairwayConverged(cluster, { limitMs: 300_000, signal });
  report(`converged; idle for ${idleMs / 1000} s`);
  const parts = cluster.processes.filter(
    ({ name }) => ['node1', 'node2'].includes(name) || /^(decider|console)/.test(name),
  );
  const before = parts.map(({ pid = 0 }) => processorMs(pid));
  await pause(idleMs, undefined, { signal });
  const rows = parts.map(({ name, pid = 0 }, at) => {
    const used = processorMs(pid) - (before[at] ?? 0);
    return `| ${name} | ${residentMb(pid).toFixed(0)} MB | ${((used / idleMs) * 100).toFixed(1)} % |`;
  });
  return `${services} services of one task, each published at a port; idle for ${idleMs / 1000} s.

| process | resident memory | of one processor, idle |
| --- | --- | --- |
${rows.join('\n')}
`;
}
