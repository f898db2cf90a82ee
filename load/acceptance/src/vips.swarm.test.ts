// A service's name leads to its virtual IP, and that to its tasks, from containers on every node. Networks and services
// of each test's own, side by side.
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

/** Only there to ask from. As process 1 it does not hear SIGTERM, and is given no time to. */
const idle = ['sleep', '2147483647'];
const idler = (network: string) => ({
  command: idle,
  options: ['--network', network, '--stop-grace-period', '0s'],
});

test.concurrent('a virtual IP spreads over the tasks on all nodes, over TCP and UDP, for a container on any node', async ({
  swarm,
}) => {
  await swarm.network('spread');
  const options = ['--network', 'spread'];
  await swarm.create('api', { replicas: 3, options });
  await swarm.create('names', { replicas: 2, command: ['echo-udp', '5300'], options });
  await swarm.create('caller', { replicas: 3, ...idler('spread') });
  const callers = await swarm.running('caller', 3);
  expect(new Set(callers.map(({ node }) => node)).size).toBe(3);
  await swarm.running('api', 3);
  await swarm.running('names', 2);
  const vip = await swarm.vip('api');
  for (const caller of callers) {
    expect(await swarm.inside(caller, 'nslookup api 127.0.0.11 2>&1')).toContain(`Address: ${vip}`);
    await swarm.answersInside(caller, 'api:8000', await swarm.names('api'));
    await swarm.answersInside(caller, 'names:5300', await swarm.names('names'), 'udp');
    await swarm.inside(caller, 'ping -c 1 -w 5 api');
  }
  await swarm.settled('api', 'names', 'spread');
});

test.concurrent('any port of a virtual IP, also of the task that asks; one that nothing serves is refused at once', async ({
  swarm,
}) => {
  await swarm.network('any');
  await swarm.create('both', {
    command: ['sh', '-c', 'serve 8001 & exec serve 8002'],
    options: ['--network', 'any', '--stop-grace-period', '1s'],
  });
  await swarm.create('none', { replicas: 0, options: ['--network', 'any'] });
  // Docker's DNS knows no name without a task.
  const none = await swarm.vip('none');
  const [task] = await swarm.running('both', 1);
  if (!task) throw new Error('no task');
  const names = await swarm.names('both');
  await swarm.answersInside(task, 'both:8001', names);
  await swarm.answersInside(task, 'both:8002', names);
  expect(await swarm.wait('none')).toMatchObject({ status: 0 });
  // busybox's wget names the reason; a packet that is dropped would be asked for again after a second.
  const asked = `start=$(date +%s); wget -q -O - http://${none}:8000/ 2>&1; echo $(($(date +%s) - start))`;
  expect(await swarm.inside(task, asked)).toMatch(/Connection refused\n[01]\n$/);
});

test.concurrent('a service on two networks is reached on each, and on a network attached or detached while it runs', async ({
  swarm,
}) => {
  await swarm.network('left');
  await swarm.network('right');
  await swarm.create('two', { replicas: 2, options: ['--network', 'left', '--network', 'right'] });
  await swarm.create('one', { replicas: 2, options: ['--network', 'right'] });
  await swarm.create('lefty', idler('left'));
  await swarm.create('righty', idler('right'));
  await swarm.running('two', 2);
  await swarm.running('one', 2);
  const [lefty] = await swarm.running('lefty', 1);
  const [righty] = await swarm.running('righty', 1);
  if (!lefty || !righty) throw new Error('no task');
  for (const caller of [lefty, righty]) await swarm.answersInside(caller, 'two:8000', await swarm.names('two'));
  await swarm.answersInside(righty, 'one:8000', await swarm.names('one'));

  await swarm.update('two', '--network-rm', 'left', '--update-parallelism', '0');
  await swarm.update('one', '--network-add', 'left', '--update-parallelism', '0');
  const onSoMany = (name: string, networks: number) =>
    swarm.view(`${name} to serve on ${networks} networks`, ({ services }) => {
      const service = services.find((one) => one.name === name);
      const there = service?.endpoints.filter(({ addresses }) => addresses.length === networks);
      return (service?.serving === 2 && there?.length === 2) || JSON.stringify(service);
    });
  await onSoMany('two', 1);
  await onSoMany('one', 2);
  // The node's word is ahead of the manager's, who is asked for the names.
  await swarm.running('two', 2);
  await swarm.running('one', 2);
  await swarm.answersInside(righty, 'two:8000', await swarm.names('two'));
  expect(await swarm.inside(lefty, 'wget -q -O - http://two:8000/ 2>&1 || true')).toContain('bad address');
  for (const caller of [lefty, righty]) await swarm.answersInside(caller, 'one:8000', await swarm.names('one'));
});

test.concurrent('a plain container on an attachable network, on a node that had no part in it', async ({ swarm }) => {
  await swarm.network('open', '--attachable');
  await swarm.create('home', { options: ['--network', 'open', '--constraint', 'node.role==manager'] });
  await swarm.running('home', 1);
  const node = swarm.nodes.find(({ role }) => role === 'worker');
  if (!node) throw new Error('no worker');
  const docker = ['docker', '-H', `unix://${node.socket}`];
  const started = await node.exec([...docker, 'run', '--detach', '--network', 'open', 'app:1', ...idle]);
  const container = started.stdout.trim();
  try {
    await swarm.answersInside({ node: node.swarmNodeId, container }, 'home:8000', await swarm.names('home'));
  } finally {
    await node.exec([...docker, 'rm', '--force', container]);
  }
});

test.concurrent.for<[string, string, string]>([
  ['for direct return', 'direct', '--opt=dsr'],
  ['that is internal', 'internal', '--internal'],
])('a virtual IP on a network %s', async ([, network, option], { swarm }) => {
  await swarm.network(network, option);
  await swarm.create(`${network}-kept`, { replicas: 3, options: ['--network', network] });
  await swarm.create(`${network}-asker`, idler(network));
  const [kept] = await swarm.running(`${network}-kept`, 3);
  const [asker] = await swarm.running(`${network}-asker`, 1);
  const names = await swarm.names(`${network}-kept`);
  if (!asker || !kept) throw new Error('no task');
  await swarm.answersInside(asker, `${network}-kept:8000`, names);
  // On a network for direct return Docker gives each task its service's virtual IP itself, so it asks nobody else.
  const itself = `I'm ${kept.container.slice(0, 12)}`;
  await swarm.answersInside(kept, `${network}-kept:8000`, network === 'direct' ? [itself] : names);
});

test.concurrent('a virtual IP on an encrypted network leads to the tasks that the kernel has keys for, and says which it has not', async ({
  swarm,
}) => {
  await swarm.network('secret', '--opt', 'encrypted');
  await swarm.create('hidden', { replicas: 3, options: ['--network', 'secret'] });
  const tasks = await swarm.running('hidden', 3);
  const { stdout: keys } = await swarm.cluster.manager.exec(['ip', 'xfrm', 'state']);
  for (const { node, container } of tasks) {
    const own = [`I'm ${container.slice(0, 12)}`];
    await swarm.answersInside({ node, container }, 'hidden:8000', keys === '' ? own : await swarm.names('hidden'));
  }
  if (keys === '') {
    await swarm.view('status to say what the kernel lacks', ({ pending }) => {
      const said = pending.filter(({ why }) => why.includes('has no encrypted way (without ESP in its kernel'));
      return said.length === 6 || JSON.stringify(pending);
    });
  }
});

test.concurrent('a network removed under traffic, and made again by the same name', async ({ swarm }) => {
  for (const _ of [1, 2]) {
    await swarm.network('again');
    await swarm.create('brief', { replicas: 2, options: ['--network', 'again'] });
    await swarm.create('asking', {
      command: ['sh', '-c', 'while :; do wget -q -O - http://brief:8000/; done'],
      options: ['--network', 'again', '--stop-grace-period', '0s'],
    });
    const [task] = await swarm.running('asking', 1);
    await swarm.running('brief', 2);
    if (task) await swarm.answersInside(task, 'brief:8000', await swarm.names('brief'));
    for (const name of ['brief', 'asking']) await swarm.remove(name);
    await swarm.removeNetwork('again');
    await swarm.settled('brief', 'asking', 'again');
  }
});
