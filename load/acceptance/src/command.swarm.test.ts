// The command besides `fairway status`. Ports 87xx.

import { until } from '@fairway/cluster';
import type { EventLine } from '@fairway/mesh';
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

test('wait ends with 0 once every node answers with just the new tasks, though it began before the update', async ({
  swarm,
}) => {
  const waiting = swarm.wait('waited');
  await swarm.create('waited', { ports: ['8700:8000'], replicas: 2 });
  const { status, stdout, stderr } = await waiting;
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^Every ready node has waited, at/) });
  expect(stderr).toMatch(/^waiting for /);
  const before = await swarm.names('waited');

  // All tasks serve, and nothing changes, while Docker waits between the two.
  await swarm.update('waited', '--force', '--update-delay', '3s');
  expect((await swarm.wait('waited')).status).toBe(0);
  const after = await swarm.names('waited');
  expect(after).toHaveLength(2);
  expect(after.filter((name) => before.includes(name))).toEqual([]);
  const targets = swarm.nodes.map(({ address }) => `${address}:8700`);
  const { answers, failures } = await swarm.probe({ carrier: 'tcp', targets, count: 60 });
  expect({ failures, names: Object.keys(answers).sort() }).toEqual({ failures: {}, names: after });
});

test('wait ends with 1 in time, and says what is waited for', async ({ swarm }) => {
  const { status, stdout, stderr } = await swarm.fairway('wait', '--service', 'never', '--timeout', '1');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('fairway: after 1 s never still waits for a service never');
  expect((await swarm.fairway('wait')).status).toBe(2);
});

test('rules shows what nft lists on that node, on the host and in every sandbox', async ({ swarm }) => {
  await swarm.create('listed', { ports: ['8710:8000'], replicas: 2 });
  expect((await swarm.wait('listed')).status).toBe(0);
  for (const node of swarm.nodes) {
    const { status, stdout } = await swarm.fairway('rules', node.name);
    expect(status).toBe(0);
    expect(stdout).toContain(`# ${node.name}, host\n${await swarm.table(node)}`);
    const inSandbox = await swarm.table(node, 'ingress_sbox');
    expect(stdout).toContain(`# ${node.name}, ingress_sbox (network ingress)\n${inSandbox}`);
    // By nftables, or by IPVS.
    expect(stdout).toMatch(/8710 \. 1 : 10\.0\.0\.\d+ \. 8000|-> 10\.0\.0\.\d+:8000 /);
  }
});

test('rules of a node that is not there, and of one whose process is down: 1, and why', async ({ swarm }) => {
  const absent = await swarm.fairway('rules', 'node9');
  expect(absent.status).toBe(1);
  expect(absent.stderr).toContain('there is no node node9; there are node1, node2, node3');
  const worker = swarm.nodes[2]?.name ?? '';
  const part = swarm.cluster.process(worker);
  await part.stop();
  try {
    const silent = await swarm.fairway('rules', worker);
    expect(silent.status).toBe(1);
    expect(silent.stderr).toContain(`node ${worker} does not answer; does its node process run`);
  } finally {
    await part.start();
  }
  await swarm.converged();
});

test('uninstall leaves a node to Docker, also when its process starts again, and install takes it back', async ({
  swarm,
}) => {
  await swarm.create('handed', { ports: ['8730:8000'], replicas: 2 });
  await swarm.answers('handed', 8730, 2);
  const node = swarm.nodes[1];
  if (!node) throw new Error('no worker');
  const tables = async () => (await swarm.table(node)) + (await swarm.table(node, 'ingress_sbox'));
  try {
    expect(await swarm.fairway('uninstall', node.name)).toMatchObject({
      status: 0,
      stdout: `${node.name} is left to Docker.\n`,
    });
    expect(await tables()).not.toContain('table inet fairway {');
    await swarm.view('status to say so', ({ problems }) => {
      const said = problems.find(({ about }) => about === `node ${node.name}`)?.why;
      return said?.includes('fairway install brings them back') || JSON.stringify(problems);
    });
    await swarm.cluster.process(node.name).kill();
    await swarm.cluster.process(node.name).start();
    await until('the node to answer', async () => (await swarm.fairway('rules', node.name)).status === 0 || 'not yet', {
      limitMs: 30_000,
    });
    expect(await tables()).not.toContain('table inet fairway {');
  } finally {
    expect(await swarm.fairway('install', '--all')).toMatchObject({ status: 0 });
  }
  await swarm.answers('handed', 8730, 2);
  expect((await swarm.fairway('uninstall')).status).toBe(2);
});

test('explain shows the tasks of a port, that the kernel has them, and what changed it', async ({ swarm }) => {
  await swarm.create('explained', { ports: ['8720:8000', '8721:9000/udp'], replicas: 2 });
  expect((await swarm.wait('explained')).status).toBe(0);
  const tasks = await swarm.tasks('explained');
  for (const node of swarm.nodes) {
    const { status, stdout } = await swarm.fairway('explain', `${node.name}:8720`);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining(`${node.name} leads 8720/tcp to explained.\n`),
    });
    for (const { id } of tasks)
      expect(stdout).toMatch(
        new RegExp(`^${id} +explained +node\\d +10\\.0\\.0\\.\\d+:8000 +serving +\\d+ s +yes +yes$`, 'm'),
      );
    expect(stdout).toMatch(/ {2}host: 8720\/tcp leads to \d+\.\d+\.\d+\.\d+: yes\n/);
    expect(stdout).toContain('  ingress_sbox: 8720/tcp is spread over 2 tasks: yes\n');
    expect(stdout).toMatch(/^ {2}\S+Z {2}container \w+ {2}trace [0-9a-f]{8}$/m);
  }
  expect((await swarm.fairway('explain', 'node2:8721/udp')).status).toBe(0);
  const { status, stdout } = await swarm.fairway('explain', 'node2:8721');
  expect({ status, stdout }).toEqual({
    status: 1,
    stdout: 'node2 does not serve 8721/tcp: explained publishes 8721 for udp, not for tcp.\n',
  });
});

test('explain shows a virtual IP where the node takes part in its network, and says so where it does not', async ({
  swarm,
}) => {
  const [first, second] = swarm.nodes.map(({ name }) => name);
  await swarm.network('told');
  const options = ['--network', 'told', '--constraint', `node.hostname==${first}`];
  await swarm.create('inner', { options });
  expect((await swarm.wait('inner')).status).toBe(0);
  const vip = await swarm.vip('inner');
  const here = await swarm.fairway('explain', `${first}:${vip}`);
  expect(here.status).toBe(0);
  expect(here.stdout).toMatch(new RegExp(`lb_\\w+: VIP ${vip} is spread over 1 task: yes`));
  const elsewhere = await swarm.fairway('explain', `${second}:${vip}`);
  expect(elsewhere.status).toBe(1);
  expect(elsewhere.stdout).toContain(
    `${second} does not serve VIP ${vip} (inner): this node takes no part in network told`,
  );
});

test('events tells one service from its creation to the rules of every node, by one trace', async ({ swarm }) => {
  await swarm.create('heard', { ports: ['8730:8000'] });
  expect((await swarm.wait('heard')).status).toBe(0);
  const { status, stdout } = await swarm.fairway('events', '--json');
  expect(status).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as EventLine);
  const start = lines.find(({ kind, what }) => kind === 'fact' && /^container heard: .* is running$/.test(what));
  expect(start?.trace).toMatch(/^[0-9a-f]{8}$/);
  const decided = expect.stringMatching(/: service heard by (.*, )?container start(,|$)/);
  expect(lines).toContainEqual(expect.objectContaining({ kind: 'mesh', what: decided }));
  for (const { name } of swarm.nodes)
    expect(lines).toContainEqual(
      expect.objectContaining({ kind: 'outcome', node: name, what: expect.stringMatching(/^applied revision/) }),
    );
});

test('events --follow goes on with what comes', async ({ swarm }) => {
  const follow = `timeout 60 ${swarm.cluster.binDir}/fairway events --follow | grep -m 1 'service followed: '`;
  const heard = swarm.cluster.client.exec(['bash', '-c', follow]);
  await swarm.create('followed', { ports: ['8740:8000'] });
  expect((await heard).stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}fact {5}node\d +service followed: /);
});
