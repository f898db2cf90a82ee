import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, fairwayConverged, imageName, run, until } from '@fairway/cluster';
import { type BadRequest, startTraffic } from '@fairway/traffic';
import type { Measuring } from './measuring.ts';
import { serving, untilServing } from './serving.ts';

const port = 8000;
const limitMs = 120_000;
/** Requests of before and after an update are its own, too: Docker tells that it has ended a moment early. */
const aroundMs = 1_000;
/** A SYN that nobody answered is sent again after a second (RFC 6298, 2.1). */
const resentMs = 950;

/** How a service is updated, by the words of `docker service create`. */
type Way = {
  readonly order: 'stop-first' | 'start-first';
  readonly parallelism: number;
  readonly replicas: number;
};

const ways: readonly Way[] = [
  { order: 'stop-first', parallelism: 1, replicas: 3 },
  { order: 'stop-first', parallelism: 2, replicas: 3 },
  { order: 'start-first', parallelism: 1, replicas: 3 },
  { order: 'start-first', parallelism: 2, replicas: 3 },
  { order: 'start-first', parallelism: 1, replicas: 1 },
];

/** What became of the requests of all updates of one way. */
type Result = {
  readonly way: Way;
  readonly asked: number;
  readonly failures: readonly BadRequest[];
  /** Those that were answered, and took so long to be connected as one whose SYN was sent again. */
  readonly resent: number;
  /** Those that were answered, as late as that, of which it was not. */
  readonly slow: number;
  readonly slowestMs: number;
};

/**
 * Updates a service with a health check, again and again, while an outside client asks it 200 times a second by each node. Its
 * server stops taking connections when it is told to end, and finishes those that it has.
 */
export async function measureRollingUpdates(cluster: Cluster, { updates, report, signal }: Measuring): Promise<string> {
  const docker = (...args: readonly string[]) => run(['docker', '-H', `unix://${cluster.manager.socket}`, ...args]);
  await fairwayConverged(cluster, { limitMs, signal });
  const limits = { limitMs, signal };
  const results: Result[] = [];
  for (const way of ways) {
    const result = await measure(way);
    results.push(result);
    report(`${show(way)}: ${result.failures.length} of ${result.asked} requests failed in ${updates} updates`);
  }
  return tableOf(results, updates);

  async function measure(way: Way): Promise<Result> {
    const { order, parallelism, replicas } = way;
    const name = `${order}-${parallelism}-${replicas}`;
    await docker(
      ...['service', 'create', '--no-resolve-image', '--detach', '--name', name, '--replicas', `${replicas}`],
      ...['--publish', `${port}:${port}`, '--update-order', order, '--update-parallelism', `${parallelism}`],
      ...['--update-monitor', '1s', '--health-cmd', `wget -q -O /dev/null http://127.0.0.1:${port}/`],
      ...['--health-interval', '500ms', '--restart-delay', '0s', imageName],
    );
    await untilServing(cluster, name, replicas, limits);
    const targets = cluster.nodes.map(({ address }) => `${address}:${port}`);
    const traffic = startTraffic(cluster, { targets, everyMs: 5, lateMs: resentMs });
    const failed = () => traffic.bad.filter(({ bad }) => bad !== 'late');
    try {
      await pause(aroundMs);
      for (let n = 0; n < updates; n += 1) {
        signal.throwIfAborted();
        const before = failed().length;
        await docker('service', 'update', '--no-resolve-image', '--detach', '--force', name);
        await updated(name);
        await untilServing(cluster, name, replicas, limits);
        await pause(aroundMs);
        const failures = failed().slice(before, before + 5);
        if (failures.length > 0) report(`${show(way)}, update ${n + 1}: ${JSON.stringify(failures)}`);
      }
    } finally {
      traffic.stop();
    }
    await docker('service', 'rm', name);
    await until(`${name} to be gone`, async () => (await serving(cluster, name)) === undefined || 'it is there still', {
      limitMs,
      everyMs: 200,
      signal,
    });
    const { asked, slowestMs } = traffic.counts;
    const late = traffic.bad.filter(({ bad }) => bad === 'late');
    const resent = late.filter(({ connectMs = 0 }) => connectMs > resentMs).length;
    return { way, asked, failures: failed(), resent, slow: late.length - resent, slowestMs };
  }

  /** Waits until Docker has ended the update. */
  async function updated(name: string): Promise<void> {
    await until(
      `${name} to be updated`,
      async () => {
        const state = (await docker('service', 'inspect', '--format', '{{.UpdateStatus.State}}', name)).trim();
        return state === 'completed' || `its update is ${state}`;
      },
      { limitMs, everyMs: 200, signal },
    );
  }
}

function show({ order, parallelism, replicas }: Way): string {
  return `${order}, ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}, ${parallelism} at a time`;
}

function tableOf(results: readonly Result[], updates: number): string {
  const rows = results.map(({ way, asked, failures, resent, slow, slowestMs }) => {
    const why = [...new Set(failures.map(({ bad }) => bad))].join(', ') || '-';
    return `| ${show(way)} | ${asked} | ${failures.length} | ${why} | ${resent} | ${slow} | ${slowestMs.toFixed(0)} |`;
  });
  return `${updates} rolling updates of each kind (\`docker service update --force\`), of a service with a health check whose server stops taking connections on SIGTERM and finishes those that it has. An outside client asked 200 times a second by each of the three nodes, each time by a new connection.

| update | requests | failed | why | connected after ${resentMs} ms | answered after ${resentMs} ms otherwise | slowest ms |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
