// Traces are received at 10.99.0.1:4318, while this test runs. Port 8195.
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, run, tracesUrl, until } from '@fairway/cluster';
import { receiveTraces } from '@fairway/trace-receiver';
import { expect, onTestFinished } from 'vitest';
import { test } from './swarm-test.ts';

/** A private key as nkeys writes one (its seed), and as PEM does. */
const secret = /\bS[A-Z][A-Z2-7]{56}\b|PRIVATE KEY/;

async function expectNoKeyInProcesses(cluster: Cluster): Promise<void> {
  const processes = await run(['ps', '-eo', 'args', '--no-headers', '-ww']);
  expect(processes).toContain('nats-server');
  expect(processes).not.toMatch(secret);
  for (const { name, pid, isAlive } of cluster.processes) {
    const environment = isAlive ? await readFile(`/proc/${pid}/environ`, 'utf8') : '';
    expect(environment, name).not.toMatch(secret);
  }
}

test('no key is in the list of processes, their environment, a log or a trace: after rotation, while it is refused, and in use', async ({
  swarm,
}) => {
  const { cluster } = swarm;
  const [node] = swarm.nodes;
  const [decider] = swarm.deciders;
  if (!node || !decider) throw new Error('no swarm');
  const folder = await cluster.credentials();
  const stranger = 'stranger0000000000000000';
  const keyOf = (name: string) => readFile(cluster.credentialsFile(name), 'utf8');
  const own = { FAIRWAY_NATS_CREDENTIALS: cluster.credentialsFile(decider.name) };
  const before = await keyOf(node.swarmNodeId);
  // What is looked for is what there is.
  expect(before).toMatch(secret);
  const dir = await mkdtemp(join(tmpdir(), 'fairway-secrets-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const { spans, end } = await receiveTraces(cluster.client.namespace, tracesUrl);
  try {
    await folder.rotate(node.swarmNodeId);
    await folder.finishRotation(node.swarmNodeId);
    await expectNoKeyInProcesses(cluster);
    expect(await keyOf(node.swarmNodeId)).not.toBe(before);
    await folder.add({ name: stranger, role: 'node' });
    // Somebody kept the file while it was good.
    const kept = join(dir, 'kept.json');
    await copyFile(cluster.credentialsFile(stranger), kept);
    await folder.revoke(stranger);
    await decider.kill();
    await decider.start({ FAIRWAY_NATS_CREDENTIALS: kept });
    const isRefused = () => /authorization violation/i.test(decider.log());
    await until('the decider to be refused', isRefused, { limitMs: 30_000 });
    await expectNoKeyInProcesses(cluster);
    await decider.kill();
    await decider.start(own);
    await swarm.create('secretive', { ports: ['8195:8000'] });
    await swarm.answers('secretive', 8195);
    await until('spans', () => spans.length > 0, { limitMs: 30_000 });

    await expectNoKeyInProcesses(cluster);
    const logs = await readdir(cluster.logDir);
    expect(logs).toContain(`${decider.name}.log`);
    for (const log of logs) expect(await readFile(join(cluster.logDir, log), 'utf8'), log).not.toMatch(secret);
    expect(JSON.stringify(spans)).not.toMatch(secret);
  } finally {
    await end();
    // For the tests that follow, however this one ends.
    await decider.kill();
    await decider.start(own);
  }
});
