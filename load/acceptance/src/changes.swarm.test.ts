// Everything that changes in the swarm changes the mesh. Each test has ports of its own, 82xx: they mostly wait for Docker,
// and do so side by side.
import { spawn } from 'node:child_process';
import { run, until } from '@fairway/cluster';
import { expect } from 'vitest';
import { drains } from './drains.ts';
import { saysReady } from './says-ready.ts';
import { test } from './swarm-test.ts';

test.concurrent('ports added, changed and removed', async ({ swarm }) => {
  await swarm.create('ports', { ports: ['8200:8000'] });
  await swarm.answers('ports', 8200);
  await swarm.update('ports', '--publish-add', '8201:8000');
  await swarm.answers('ports', 8201);
  await swarm.answers('ports', 8200);
  await swarm.update('ports', '--publish-rm', '8201:8000', '--publish-add', '8202:8000');
  await swarm.answers('ports', 8202);
  await swarm.refused(8201);
  await swarm.update('ports', '--publish-rm', '8200:8000', '--publish-rm', '8202:8000');
  await swarm.refused(8200);
  await swarm.refused(8202);
});

test.concurrent('scaled up, down, and to zero, where connections are refused at once, and up again', async ({
  swarm,
}) => {
  await swarm.create('scaled', { ports: ['8210:8000'] });
  await swarm.answers('scaled', 8210, 1);
  await swarm.docker('service', 'scale', '--detach', 'scaled=3');
  await swarm.answers('scaled', 8210, 3);
  await swarm.docker('service', 'scale', '--detach', 'scaled=1');
  await swarm.answers('scaled', 8210, 1);
  await swarm.docker('service', 'scale', '--detach', 'scaled=0');
  await swarm.refused(8210);
  await swarm.docker('service', 'scale', '--detach', 'scaled=2');
  await swarm.answers('scaled', 8210, 2);
});

test.concurrent('refused at once also where a process on the node listens on the port', async ({ swarm }) => {
  // Where the kernel has IPVS, dockerd holds a socket on each published port (moby plumbIngressProxy), and the kernel
  // completes the handshake of whoever reaches it. This one stands in for it, on IPv6 and IPv4 as dockerd's does.
  await swarm.create('held', { ports: ['8270:8000'] });
  await swarm.answers('held', 8270);
  const [node] = swarm.nodes;
  const listener = spawn('nsenter', [
    `--net=/run/netns/${node?.namespace}`,
    ...['socat', 'TCP6-LISTEN:8270,ipv6only=0,fork', 'EXEC:sleep 60'],
  ]);
  try {
    const listening = async () => (await node?.exec(['ss', '-Hltn', 'sport', '=', ':8270']))?.stdout.includes(':8270');
    await until('the socket to listen', async () => (await listening()) === true || 'not yet', { limitMs: 10_000 });
    await swarm.answers('held', 8270);
    await swarm.docker('service', 'scale', '--detach', 'held=0');
    await swarm.refused(8270);
    expect(await listening()).toBe(true);
  } finally {
    listener.kill();
  }
});

test.concurrent('without an endpoint UDP is refused at once, too', async ({ swarm }) => {
  await swarm.create('silent', { ports: ['8220:9000/udp'], command: ['echo-udp', '9000'] });
  await swarm.answers('silent', 8220, 1, 'udp');
  await swarm.docker('service', 'scale', '--detach', 'silent=0');
  await swarm.refused(8220, 'udp');
  await swarm.docker('service', 'scale', '--detach', 'silent=1');
  await swarm.answers('silent', 8220, 1, 'udp');
});

test.concurrent('removed, and created again with the same port', async ({ swarm }) => {
  await swarm.create('again', { ports: ['8230:8000'] });
  await swarm.answers('again', 8230);
  await swarm.remove('again');
  await swarm.refused(8230);
  await swarm.create('again', { ports: ['8230:8000'], replicas: 2 });
  await swarm.answers('again', 8230, 2);
});

test.concurrent('a task that dies is replaced', async ({ swarm }) => {
  await swarm.create('mortal', { ports: ['8240:8000'], replicas: 2 });
  await swarm.answers('mortal', 8240, 2);
  const [victim] = await swarm.tasks('mortal');
  const node = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === victim?.node);
  await run(['docker', '-H', `unix://${node?.socket}`, 'kill', victim?.container ?? '']);
  await until(
    'another task to take its place',
    async () => (await swarm.tasks('mortal')).every(({ id }) => id !== victim?.id),
    { limitMs: 30_000 },
  );
  await swarm.answers('mortal', 8240, 2);
});

test.concurrent('docker service update --force replaces every task, each of which stops at once, and no request fails', async ({
  swarm,
}) => {
  await swarm.create('forced', { ports: ['8250:8000'], replicas: 2, options: [...drains(0), ...saysReady] });
  await swarm.answers('forced', 8250, 2);
  const before = await swarm.names('forced');
  const traffic = swarm.traffic(8250, 2);
  await swarm.update('forced', '--force');
  await until(
    'all tasks to be new',
    async () => {
      const names = await swarm.names('forced');
      return (names.length === 2 && names.every((name) => !before.includes(name))) || names.join();
    },
    { limitMs: 60_000 },
  );
  expect((await traffic.end()).failures).toEqual({});
  await swarm.answers('forced', 8250, 2);
});

test('a node that is paused keeps its tasks and their traffic; drained it gives them up, and no request fails', async ({
  swarm,
}) => {
  await swarm.create('moved', { ports: ['8255:8000'], replicas: 3, options: [...drains(0), ...saysReady] });
  await swarm.answers('moved', 8255, 3);
  const before = await swarm.tasks('moved');
  const node = swarm.nodes.find(
    ({ role, swarmNodeId }) => role === 'worker' && before.some((task) => task.node === swarmNodeId),
  );
  if (!node) throw new Error('a worker runs one of three');
  const make = (availability: string) => swarm.docker('node', 'update', '--availability', availability, node.name);
  const traffic = swarm.traffic(8255, 2);
  try {
    await make('pause');
    await swarm.view('the node to be paused', ({ nodes }) => {
      const { availability } = nodes.find(({ name }) => name === node.name) ?? {};
      return availability === 'pause' || `${availability}`;
    });
    await swarm.answers('moved', 8255, 3);
    expect(new Set(await swarm.tasks('moved'))).toEqual(new Set(before));
    await make('drain');
    await until(
      'its tasks to run elsewhere',
      async () => {
        const tasks = await swarm.tasks('moved');
        return (tasks.length === 3 && tasks.every((task) => task.node !== node.swarmNodeId)) || JSON.stringify(tasks);
      },
      { limitMs: 60_000 },
    );
    await swarm.answers('moved', 8255, 3);
  } finally {
    await make('active');
  }
  expect((await traffic.end()).failures).toEqual({});
});

test('a node that joins answers, and one that leaves takes its tasks along', async ({ swarm }) => {
  await swarm.create('members', { ports: ['8260:8000'], replicas: 2 });
  await swarm.answers('members', 8260, 2);
  const added = await swarm.cluster.addNode();
  try {
    await swarm.answers('members', 8260, 2);
    await swarm.docker('service', 'scale', '--detach', 'members=8');
    await swarm.answers('members', 8260, 8);
    const onAdded = (await swarm.tasks('members')).filter(({ node }) => node === added.swarmNodeId);
    expect(onAdded.length).toBeGreaterThan(0);
  } finally {
    await swarm.cluster.removeNode(added.name);
  }
  await swarm.answers('members', 8260, 8);
  await swarm.view(
    'the node to be gone from the view',
    ({ nodes }) => nodes.every(({ id }) => id !== added.swarmNodeId) || 'still there',
  );
});
