// What `fairway status` shows, and its exit status. Ports 86xx.
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

test('shows nodes, services, ports and endpoints, for people and for programs; exit status 0', async ({ swarm }) => {
  await swarm.create('shown', { ports: ['8600:8000', '8601:9000/udp'], replicas: 2 });
  await swarm.answers('shown', 8600, 2);
  const view = await swarm.converged();
  expect(view.nodes.map(({ name, role, state }) => [name, role, state])).toEqual(
    swarm.nodes.map(({ name, role }) => [name, role, 'ready']),
  );
  const tasks = await swarm.tasks('shown');
  expect(view.services.find(({ name }) => name === 'shown')).toMatchObject({
    ports: ['8600→8000/tcp', '8601→9000/udp'],
    replicas: 2,
    serving: 2,
  });
  const stdout = await swarm.convergedStatus();
  for (const { id } of tasks)
    expect(stdout).toMatch(new RegExp(`^${id} +shown +node\\d +10\\.0\\.0\\.\\d+ +serving`, 'm'));
  expect(stdout).toMatch(/^shown +vip +8600→8000\/tcp, 8601→9000\/udp +- +2\/2$/m);
});

test('says what is pending and why, with exit status 1', async ({ swarm }) => {
  const [, , worker] = swarm.nodes;
  const part = swarm.cluster.process(worker?.name ?? '');
  await part.stop();
  try {
    await swarm.create('late', {
      ports: ['8610:8000'],
      options: ['--constraint', `node.hostname==${swarm.nodes[0]?.name}`],
    });
    const about = `node ${worker?.name}`;
    await swarm.view(
      'the node to lag',
      ({ pending }) => pending.some((held) => held.about === about) || 'nothing pending',
    );
    const { status, stdout } = await swarm.fairway('status');
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`Waiting:\\n(.*\\n)*  ${about}: it has applied revision \\d+ of \\d+`));
  } finally {
    await part.start();
  }
  await swarm.answers('late', 8610);
  await swarm.converged();
});

test('a service whose task cannot start is waited for, with the reason', async ({ swarm }) => {
  await swarm.create('stuck', {
    ports: ['8620:8000'],
    options: ['--health-cmd', 'false', '--health-interval', '1s', '--health-retries', '60'],
  });
  const view = await swarm.view('the task to be starting', ({ services }) => {
    const states = services.find(({ name }) => name === 'stuck')?.endpoints.map(({ state }) => state);
    return states?.includes('starting') || `${states}`;
  });
  expect(view.converged).toBe(false);
  expect(view.pending).toContainEqual({
    about: 'service stuck',
    why: expect.stringContaining('its health check to pass'),
  });
  await swarm.refused(8620);
});

test('wrong usage: exit status 2', async ({ swarm }) => {
  expect((await swarm.fairway('statsu')).status).toBe(2);
  expect((await swarm.fairway('status', '--jsn')).status).toBe(2);
  expect((await swarm.fairway('--help')).status).toBe(0);
});
