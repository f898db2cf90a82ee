// Three nodes at 10.99.0.11 to .13, the first one the manager; an outside client at 10.99.0.1. Each test has ports of
// its own: 81xx.
import { patience } from '@fairway/cluster';
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

test('a published port answers on every node, from outside and on the node itself, whoever runs the task', async ({
  swarm,
}) => {
  await swarm.create('everywhere', { ports: ['8100:8000'] });
  await swarm.answers('everywhere', 8100);
  expect(await swarm.tasks('everywhere')).toHaveLength(1);
});

test('a service publishes several ports', async ({ swarm }) => {
  await swarm.create('several', { ports: ['8110:8000', '8111:8000', '8112:8000'], replicas: 2 });
  for (const port of [8110, 8111, 8112]) await swarm.answers('several', port, 2);
});

test('UDP answers as TCP does, and a number may be published over both by two services', async ({ swarm }) => {
  await swarm.create('over-tcp', { ports: ['8120:8000/tcp'], replicas: 2 });
  await swarm.create('over-udp', { ports: ['8120:9000/udp'], replicas: 2, command: ['echo-udp', '9000'] });
  await swarm.answers('over-tcp', 8120, 2, 'tcp');
  await swarm.answers('over-udp', 8120, 2, 'udp');
});

const even = (counts: Readonly<Record<string, number>>, tasks: number, total: number) => {
  expect(Object.keys(counts)).toHaveLength(tasks);
  const share = total / tasks;
  for (const count of Object.values(counts)) {
    expect(count).toBeGreaterThan(share * 0.88);
    expect(count).toBeLessThan(share * 1.12);
  }
};

test('3,000 connections to 3 tasks: each gets 1,000 give or take 12 %, through every node', async ({ swarm }) => {
  await swarm.create('shares', { ports: ['8130:8000'], replicas: 3 });
  await swarm.answers('shares', 8130, 3);
  const targets = swarm.nodes.map(({ address }) => `${address}:8130`);
  const { answers, failures } = await swarm.probe({ carrier: 'tcp', targets, count: 3000, atOnce: 8 });
  expect(failures).toEqual({});
  even(answers, 3, 3000);
});

test('the shares stay even when two services are called in strict alternation', async ({ swarm }) => {
  await swarm.create('first', { ports: ['8140:8000'], replicas: 3 });
  await swarm.create('second', { ports: ['8141:8000'], replicas: 3 });
  await swarm.answers('first', 8140, 3);
  await swarm.answers('second', 8141, 3);
  const address = swarm.nodes[0]?.address ?? '';
  const targets = [`${address}:8140`, `${address}:8141`];
  const { answers, failures } = await swarm.probe({ carrier: 'tcp', targets, count: 6000, byTarget: true });
  expect(failures).toEqual({});
  for (const target of targets) {
    even(Object.fromEntries(Object.entries(answers).filter(([answer]) => answer.startsWith(target))), 3, 3000);
  }
});

test('modes host and dnsrr are left alone', async ({ swarm }) => {
  const [manager, worker] = swarm.nodes;
  await swarm.create('by-itself', {
    options: ['--publish', 'mode=host,published=8150,target=8000', '--constraint', `node.hostname==${worker?.name}`],
  });
  await swarm.create('round-robin', {
    options: [
      ...['--publish', 'mode=host,published=8151,target=8000', '--constraint', `node.hostname==${worker?.name}`],
      ...['--endpoint-mode', 'dnsrr'],
    ],
  });
  const view = await swarm.view('both to run', ({ services }) => {
    const held = services.filter(({ name }) => ['by-itself', 'round-robin'].includes(name));
    return held.length === 2 || JSON.stringify(held);
  });
  for (const name of ['by-itself', 'round-robin']) {
    expect(view.services.find((service) => service.name === name)).toMatchObject({ ports: [] });
  }
  for (const node of swarm.nodes) expect(await swarm.table(node)).not.toMatch(/815[01]/);
  // Docker's own rules of mode host go on working on the one node that they are on.
  const ask = async (address: string | undefined) =>
    swarm.probe({ carrier: 'tcp', targets: [`${address}:8150`], count: 1 });
  await expect.poll(async () => (await ask(worker?.address)).failures, { timeout: 30_000 * patience() }).toEqual({});
  expect((await ask(manager?.address)).failures).toEqual({ ECONNREFUSED: 1 });
});
