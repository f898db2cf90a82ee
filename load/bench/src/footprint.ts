import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Cluster, fairwayConverged, imageName, run, until } from '@fairway/cluster';
import type { View } from '@fairway/mesh';
import type { Measuring } from './measuring.ts';
import { mostResidentMb, processorMs, residentMb } from './process-usage.ts';

const services = 100;
const firstPort = 20_000;
/** How long the processes are left alone while their processor time is measured. */
const idleMs = 60_000;

/** What is told besides, as a manager would of a larger swarm. */
const large = { nodes: 300, services: 2_000 } as const;
const largeMaxMs = 600_000;
/** With no more than this of a processor in so long, a process has dealt with what was told. */
const quietMs = 10_000;
const quietShare = 0.1;

/**
 * Resident memory and idle processor time of Fairway's processes with 100 services, each of a task and a port; and their
 * memory once they were told of a swarm of 300 nodes and 2,000 services of ten tasks.
 */
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
  const parts = cluster.processes
    .filter(({ name }) => ['node2', 'node3'].includes(name) || /^(decider|sentinel|console)/.test(name))
    .map(({ name, pid = 0 }) => ({ name, pid }));
  const used = await processorMsIn(idleMs, parts, signal);
  const idle = parts.map(
    ({ name, pid }, at) =>
      `| ${name} | ${residentMb(pid).toFixed(0)} MB | ${(((used[at] ?? 0) / idleMs) * 100).toFixed(1)} % |`,
  );
  await tellOfLarge(cluster, { report, signal });
  await until(
    'all processes to have dealt with it',
    async () => {
      const shares = (await processorMsIn(quietMs, parts, signal)).map((ms) => ms / quietMs);
      return Math.max(...shares) < quietShare || `of one processor: ${shares.map((share) => share.toFixed(2))}`;
    },
    { limitMs: largeMaxMs, everyMs: 0, signal },
  );
  const left = await isShown(cluster);
  if (left !== true) throw new Error(`of what was told there are left: ${left}`);
  const told = parts.map(
    ({ name, pid }) => `| ${name} | ${residentMb(pid).toFixed(0)} MB | ${mostResidentMb(pid).toFixed(0)} MB |`,
  );
  return `${services} services of one task, each published at a port; idle for ${idleMs / 1000} s.

| process | resident memory | of one processor, idle |
| --- | --- | --- |
${idle.join('\n')}

Told besides of ${large.nodes} nodes and ${large.services} services of ten tasks on them, each published at a port. They
are told of by a manager alone: no node of them lists its containers or beats.

| process | resident memory | at most, until then |
| --- | --- | --- |
${told.join('\n')}
`;
}

type Part = { readonly name: string; readonly pid: number };

/** The processor time that each takes in so long, ms. */
async function processorMsIn(forMs: number, parts: readonly Part[], signal: AbortSignal): Promise<number[]> {
  const before = parts.map(({ pid }) => processorMs(pid));
  await pause(forMs, undefined, { signal });
  return parts.map(({ pid }, at) => processorMs(pid) - (before[at] ?? 0));
}

async function tellOfLarge(cluster: Cluster, { report, signal }: Pick<Measuring, 'report' | 'signal'>): Promise<void> {
  const { swarmNodeId } = cluster.manager;
  const networks = await run(['docker', '-H', `unix://${cluster.manager.socket}`, 'network', 'inspect', 'ingress']);
  const [ingress] = JSON.parse(networks) as [{ readonly Id: string }];
  // The manager's watcher would say at once that Docker has none of them.
  await cluster.process(cluster.manager.name).kill();
  report(`telling of ${large.nodes} nodes and ${large.services} services`);
  await run(
    cluster.clientArgv([
      ...[process.execPath, fileURLToPath(new URL('tell-swarm.ts', import.meta.url))],
      ...[cluster.bus.urls.join(','), cluster.credentialsFile(swarmNodeId), swarmNodeId, ingress.Id],
      ...[`${large.nodes}`, `${large.services}`],
    ]),
    { limitMs: largeMaxMs },
  );
  const options = { limitMs: largeMaxMs, everyMs: 1_000, signal };
  await until('the console to show all of it', () => isShown(cluster), options);
}

/** Whether the console shows all that there is and that was told besides; how much it shows where not. */
async function isShown(cluster: Cluster): Promise<true | string> {
  const shown = JSON.parse(await cluster.status()) as View;
  const isAll = shown.services.length >= services + large.services && shown.nodes.length >= large.nodes;
  return isAll || `${shown.nodes.length} nodes and ${shown.services.length} services`;
}
