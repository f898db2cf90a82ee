// What cannot be read or served is said, and everything else goes on. Ports 85xx.
import { fileURLToPath } from 'node:url';
import { until } from '@fairway/cluster';
import type { View } from '@fairway/mesh';
import { expect, onTestFinished } from 'vitest';
import { test } from './swarm-test.ts';

const program = fileURLToPath(new URL('put-aside.ts', import.meta.url));

test('a message that does not parse or fit goes to the dead letters with its reason, and changes nothing', async ({
  swarm,
}) => {
  const id = await swarm.create('unshaken', { ports: ['8500:8000'] });
  await swarm.answers('unshaken', 8500);
  const endpoints = ({ services }: View) =>
    services.find(({ name }) => name === 'unshaken')?.endpoints.map(({ task, state }) => [task, state]);
  const before = await swarm.converged();
  // Who may speak, and says what it likes.
  const credentials = await swarm.cluster.credentials();
  await credentials.add({ name: 'mallory', role: 'manager' });
  onTestFinished(async () => void (await credentials.revoke('mallory')));
  const [reader] = swarm.consoles;
  if (!reader) throw new Error('the cluster has no console');
  const subject = `fairway.fact.mallory.service-gone.${id}`;
  for (const [text, reason] of [
    ['{"schema":1,', 'not JSON'],
    [
      JSON.stringify({ schema: 1, epoch: 'e', sender: 'mallory', event: 'x', atMs: 0, body: { kind: 'service-gone' } }),
      'body.service',
    ],
    [JSON.stringify({ schema: 9, epoch: 'e', sender: 'mallory', event: 'x', atMs: 0, body: {} }), 'schema'],
  ] as const) {
    const { stdout, stderr } = await swarm.cluster.client.exec([
      process.execPath,
      program,
      swarm.cluster.bus.urls.join(','),
      swarm.cluster.credentialsFile('mallory'),
      swarm.cluster.credentialsFile(reader.name),
      subject,
      text,
    ]);
    expect(stdout, stderr).not.toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ subject, reason: expect.stringContaining(reason), text });
  }
  const after = await swarm.converged();
  expect(endpoints(after)).toEqual(endpoints(before));
  // And what an earlier test left: facts of services that were removed while the bus was being made anew.
  expect(after.putAside).toBeGreaterThanOrEqual(before.putAside + 3);
  expect(await swarm.convergedStatus()).toContain(`Put aside: ${after.putAside} messages`);
  await swarm.answers('unshaken', 8500);
});

test('a port that cannot be served has its reason in fairway status; the other ports are served', async ({ swarm }) => {
  await swarm.create('partly', { ports: ['8510:8000', '8511:9000/sctp'] });
  await swarm.answers('partly', 8510);
  const view = await swarm.view('the reason to be shown', ({ problems }) => problems.length > 0 || 'no problem named');
  expect(view.problems).toEqual([{ about: '8511/sctp', why: expect.stringContaining('SCTP') }]);
  const { status, stdout } = await swarm.fairway('status');
  expect(status).toBe(1);
  expect(stdout).toMatch(/Needs you:\n {2}8511\/sctp: .*SCTP/);
  await swarm.update('partly', '--publish-rm', 'published=8511,target=9000,protocol=sctp');
  await swarm.convergedStatus();
});

test('a bus and a dockerd that cannot be reached are waited for, and nothing ends', async ({ swarm }) => {
  await swarm.create('patient', { ports: ['8520:8000'], replicas: 3 });
  await swarm.answers('patient', 8520, 3);
  const [, , worker] = swarm.nodes;
  const part = swarm.cluster.process(worker?.name ?? '');
  const { servers } = swarm.cluster.bus;
  await part.stop();
  for (const server of servers) await server.stop();
  try {
    await part.start();
    await until(
      'the node process to say what it waits for',
      async () => /bus: .*(cannot|wait)/i.test(part.log()) || part.log(),
      {
        limitMs: 20_000,
      },
    );
  } finally {
    for (const server of servers) await server.start();
  }
  await swarm.converged();
  expect(part.isAlive).toBe(true);

  // dockerd ends with all that it ran, and comes back with a new, empty sandbox in the place of the old one.
  await swarm.cluster.process(`${worker?.name}.dockerd`).stop();
  await swarm.cluster.startDockerd(worker?.name ?? '');
  await swarm.answers('patient', 8520, 3);
  await swarm.converged();
  expect(part.isAlive).toBe(true);
});
