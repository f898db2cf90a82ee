import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cgroupExists, parseHierarchies } from './cgroup.ts';
import type { Cluster } from './cluster.ts';
import { listNamespaces } from './namespace.ts';
import { placeOf } from './place.ts';
import { attachCluster, startCluster } from './start.ts';
import { ClusterAbsent, ClusterRunning, ownerOf } from './state.ts';
import { until } from './wait.ts';

/** Each test's cluster lives beside whatever dev cluster a person has running. */

const start = new URL('./start.ts', import.meta.url).href;

/** What is left of a cluster on this machine, by every kind of thing that it makes. */
function remains(name: string): string[] {
  const place = placeOf(name);
  return [
    ...listNamespaces(place.namespacePrefix),
    ...[place.runDir, place.dataDir].filter((dir) => existsSync(dir)),
    ...(cgroupExists(place.cgroup) ? [`cgroup ${place.cgroup}`] : []),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`fairway-${name}`)),
  ];
}

describe('a cluster of two nodes', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ name: 'lifecycle', nodes: 2, fairway: false });
  });

  afterAll(async () => {
    await cluster.stop();
    expect(remains('lifecycle')).toEqual([]);
    expect(() => attachCluster('lifecycle')).toThrow(ClusterAbsent);
  });

  test('is a swarm of a manager and a worker, which an outside client reaches', async () => {
    expect(cluster.nodes.map(({ name, role, address }) => `${name} ${role} ${address}`)).toEqual([
      'node1 manager 10.99.0.11',
      'node2 worker 10.99.0.12',
    ]);
    const list = await cluster.manager.exec('docker node ls --format "{{.Hostname}} {{.Status}}"');
    expect(list.stdout.trim().split('\n').sort()).toEqual(['node1 Ready', 'node2 Ready']);
    // Two nodes have a single server between them.
    expect(cluster.bus).toMatchObject({ urls: ['tls://10.99.0.1:4222'], servers: [{ name: 'nats', isAlive: true }] });
  });

  test('cannot be started twice', async () => {
    await expect(startCluster({ name: 'lifecycle', nodes: 1, fairway: false })).rejects.toThrow(ClusterRunning);
  });

  test('lets a node join and leave, and nothing of it stays', async () => {
    const added = await cluster.addNode();
    expect(added.name).toBe('node3');
    expect(cluster.nodes).toHaveLength(3);
    await cluster.removeNode('node3');
    const list = await cluster.manager.exec('docker node ls --format "{{.Hostname}}"');
    expect(list.stdout.trim().split('\n').sort()).toEqual(['node1', 'node2']);
    expect(existsSync(added.dir)).toBe(false);
  });

  test('has a node that loses power and comes back as the same member of the swarm', async () => {
    const before = cluster.node('node2').swarmNodeId;
    await cluster.cutPower('node2');
    expect(cluster.process('node2.dockerd').isAlive).toBe(false);
    await cluster.restorePower('node2');
    const self = await cluster.node('node2').exec("docker info --format '{{.Swarm.NodeID}} {{.Swarm.LocalNodeState}}'");
    expect(self.stdout.trim()).toBe(`${before} active`);
  });

  test('starts a killed process again as another process, for anyone attached', async () => {
    const nats = attachCluster('lifecycle').process('nats');
    const before = nats.pid;
    await nats.kill();
    expect(nats.isAlive).toBe(false);
    await nats.start();
    expect(cluster.process('nats').isAlive).toBe(true);
    expect(nats.pid).not.toBe(before);
  });

  const cpu = parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8')).find((one) =>
    one.controllers.includes('cpu'),
  );
  test.runIf(cpu)("has its containers in a group that weighs more than a process's", async () => {
    const run = "docker inspect -f '{{.State.Pid}}' $(docker run -d app:1 serve 80)";
    const pid = (await cluster.manager.exec(run)).stdout.trim();
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toMatch(/:cpu[^:]*:\/fairway-lifecycle\/node1\/containers\//);
    expect(readFileSync(`${cpu?.dir}/fairway-lifecycle/cpu.shares`, 'utf8')).toBe('16384\n');
  });

  test('runs tasks of app:1 that answer by TCP and UDP', async () => {
    const run = (name: string, command: string) =>
      cluster.manager.exec(`docker run -d --name ${name} app:1 ${command} >/dev/null &&
        docker inspect -f '{{.NetworkSettings.IPAddress}}' ${name}`);
    const web = (await run('web', 'serve 80')).stdout.trim();
    const tcp = (await run('tcp', 'echo-tcp 7')).stdout.trim();
    const udp = (await run('udp', 'echo-udp 7')).stdout.trim();
    const ask = (command: string) =>
      until(
        command,
        async () => {
          const answer = await cluster.manager.exec(command);
          return answer.stdout ? { said: answer.stdout } : answer.stderr || 'no answer';
        },
        { limitMs: 10_000 },
      );
    expect((await ask(`curl -sS -m 2 http://${web}`)).said).toMatch(/^I'm [0-9a-f]{12}\n$/);
    expect((await ask(`echo hello | socat -t1 - TCP4:${tcp}:7`)).said).toMatch(/^I'm [0-9a-f]{12}\nhello\n$/);
    expect((await ask(`echo hello | socat -t1 - UDP4:${udp}:7`)).said).toMatch(/^I'm [0-9a-f]{12}: hello\n$/);
  });
});

test('what a killed run left, containers included, is removed by the next', async () => {
  const name = 'killed';
  const source = `const { startCluster } = await import(${JSON.stringify(start)});
    const cluster = await startCluster({ name: '${name}', nodes: 1, fairway: false });
    await cluster.manager.exec('docker run -d app:1');
    console.log('running');
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(ownerOf(placeOf(name))?.pid).toBe(child.pid);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect(remains(name)).not.toEqual([]);

  const lines: string[] = [];
  const cluster = await startCluster({ name, nodes: 1, fairway: false, report: (line) => lines.push(line) });
  expect(lines).toContain('removed what an earlier run left behind');
  expect((await cluster.manager.exec('docker ps -q')).stdout).toBe('');
  await cluster.stop();
  expect(remains(name)).toEqual([]);
});

test('a start that is aborted leaves nothing', async () => {
  const abort = new AbortController();
  const starting = startCluster({
    name: 'aborted',
    nodes: 2,
    fairway: false,
    report: () => abort.abort(new Error('enough')),
    signal: abort.signal,
  });
  await expect(starting).rejects.toThrow('enough');
  expect(remains('aborted')).toEqual([]);
});
