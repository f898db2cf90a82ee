// What others change on a node is put right. Ports 89xx.
import { type ClusterNode, run, until } from '@fairway/cluster';
import { expect } from 'vitest';
import { HeldConnection } from './held-connection.ts';
import { type Swarm, stateMaxMs } from './swarm.ts';
import { test } from './swarm-test.ts';

const ingress = 'ingress_sbox';
const forwarding = [
  'DOCKER-USER accepts connections led to docker_gwbridge',
  'DOCKER-USER accepts answers from docker_gwbridge',
  'FORWARD leads to DOCKER-USER',
];

test('tables that are deleted and iptables flushed come back, a connection through them goes on, and it is told', async ({
  swarm,
}) => {
  await swarm.create('drifting', { ports: ['8900:8000'], replicas: 2 });
  await swarm.create('holding', { ports: ['8901:8000'], command: ['echo-tcp', '8000'] });
  await swarm.answers('drifting', 8900, 2);
  const [, node] = swarm.nodes;
  if (!node) throw new Error('no second node');
  const held = await HeldConnection.openToTask(swarm.cluster, node.address, 8901);
  const driftsOf = async () =>
    Object.fromEntries((await swarm.status()).nodes.map(({ name, drifts = [] }) => [name, drifts]));
  const before = await driftsOf();
  const { stdout: dockers } = await node.exec('iptables-save -t filter');
  try {
    await node.exec('nft delete table inet fairway; iptables -F');
    await node.execSandbox(ingress, 'nft delete table inet fairway');
    await swarm.answers('drifting', 8900, 2);
    expect(await held.say('still there?')).toBe('still there?');
    const told = await swarm.view('all to be told as right again', ({ nodes }) => {
      const { drifts = [] } = nodes.find(({ name }) => name === node.name) ?? {};
      const now = drifts.filter(({ atMs }) => !before[node.name]?.some((drift) => drift.atMs === atMs));
      return (now.length === 3 && now.every(({ repaired }) => repaired)) || JSON.stringify(drifts);
    });
    const drifts = told.nodes.find(({ name }) => name === node.name)?.drifts ?? [];
    expect(drifts.find(({ namespace }) => namespace === 'ingress')?.found).toEqual(['the table is missing']);
    const { stdout } = await swarm.fairway('events');
    for (const kind of ['drifted', 'repaired'])
      for (const place of ['host', 'ingress']) expect(stdout).toContain(`${kind} in ${place}: the table is missing`);
    for (const found of forwarding) expect(stdout).toMatch(new RegExp(`repaired in host forwarding: .*${found}`));
    // What nobody changed nobody has found changed.
    const after = await driftsOf();
    for (const other of swarm.nodes.filter(({ name }) => name !== node.name))
      expect(after[other.name]).toEqual(before[other.name]);
  } finally {
    held.close();
    // Docker's own rules come back only when dockerd starts.
    await node.exec(['sh', '-c', 'echo "$0" | iptables-restore', dockers]);
  }
});

/** Takes Fairway's tables away on a node, and waits until the kernel has them again as they were. */
async function comesBack(swarm: Swarm, node: ClusterNode): Promise<void> {
  // Which slot a task has says nothing: a table that is built anew may have them in another order.
  const linesOf = (table: string) =>
    table
      .replaceAll(/ \. \d+ : /g, ' : ')
      .split(/elements = \{|[\n,}]/)
      .map((line) => line.trim());
  const tables = async () =>
    [await swarm.table(node), await swarm.table(node, ingress)].flatMap(linesOf).sort().join('\n');
  const right = await tables();
  expect(right).toContain('table inet fairway');
  expect(await node.exec('nft delete table inet fairway')).toMatchObject({ status: 0 });
  expect(await node.execSandbox(ingress, 'nft delete table inet fairway')).toMatchObject({ status: 0 });
  await until(
    `the tables of ${node.name} to be as they were`,
    async () => {
      const now = await tables();
      return now === right || now;
    },
    { limitMs: stateMaxMs },
  );
}

test('with the bus gone a node puts right what others change, knows the end of its own task, and does so when started anew', async ({
  swarm,
}) => {
  const options = ['--restart-condition', 'none'];
  await swarm.create('alone', { ports: ['8902:8000'], everywhere: true, options });
  await swarm.answers('alone', 8902, 3);
  await swarm.converged();
  const [, node] = swarm.nodes;
  if (!node) throw new Error('the swarm has three nodes');
  const [task] = (await swarm.tasks('alone')).filter((held) => held.node === node.swarmNodeId);
  const { servers } = swarm.cluster.bus;
  await Promise.all(servers.map((server) => server.kill()));
  try {
    await comesBack(swarm, node);
    await swarm.answeredBy(swarm.nodes, 8902, 3);
    await run(['docker', '-H', `unix://${node.socket}`, 'kill', task?.container ?? '']);
    await swarm.answeredBy([node], 8902, 2);
    await comesBack(swarm, node);
    // A process that begins without the bus goes by the mesh on its disk, and by its own Docker.
    const fairway = swarm.cluster.process(node.name);
    await fairway.kill();
    await Promise.all([
      node.exec('nft delete table inet fairway'),
      node.execSandbox(ingress, 'nft delete table inet fairway'),
    ]);
    await fairway.start();
    await swarm.answeredBy([node], 8902, 2);
    await comesBack(swarm, node);
  } finally {
    for (const server of servers) await server.start();
  }
  await swarm.answeredBy(swarm.nodes, 8902, 2);
});

test('with the manager gone a node puts right what others change, and knows the end of its own task', async ({
  swarm,
}) => {
  const options = ['--restart-condition', 'none'];
  await swarm.create('headless', { ports: ['8904:8000'], everywhere: true, options });
  await swarm.answers('headless', 8904, 3);
  await swarm.converged();
  const { manager } = swarm.cluster;
  const node = swarm.nodes.find(({ role }) => role === 'worker');
  const task = (await swarm.tasks('headless')).find((held) => held.node === node?.swarmNodeId);
  if (!node || !task) throw new Error('the swarm has workers, each with its task');
  await killDocker(swarm, manager);
  try {
    await comesBack(swarm, node);
    await swarm.answeredBy([node], 8904, 3);
    await run(['docker', '-H', `unix://${node.socket}`, 'kill', task.container]);
    await swarm.answeredBy([node], 8904, 2);
    await comesBack(swarm, node);
  } finally {
    await swarm.cluster.startDockerd(manager.name);
  }
  // It ends with what it ran.
  await swarm.answers('headless', 8904, 1);
});

/**
 * One that ends in order takes its sandboxes with it; what runs goes on here. The next one starts a containerd unless there is
 * a process of the number in that file: the killed one counts too, until process 1 has taken note of its end.
 */
async function killDocker(swarm: Swarm, node: ClusterNode): Promise<void> {
  await swarm.cluster.process(`${node.name}.dockerd`).kill();
  const killed = await node.exec('cd /run/docker/containerd && kill -9 $(cat containerd.pid) && rm containerd.pid');
  expect(killed).toMatchObject({ status: 0, stderr: '' });
}

test('with its dockerd gone a node puts right what others change, and does so when started anew', async ({ swarm }) => {
  const [, node] = swarm.nodes;
  if (!node) throw new Error('the swarm has three nodes');
  // Managers call the node down before long, and its tasks are others' then: it goes on leading to theirs.
  const options = ['--constraint', `node.hostname!=${node.name}`];
  await swarm.create('dockerless', { ports: ['8903:8000'], replicas: 2, options });
  await swarm.answers('dockerless', 8903, 2);
  await swarm.converged();
  const fairway = swarm.cluster.process(node.name);
  await killDocker(swarm, node);
  try {
    await comesBack(swarm, node);
    await fairway.kill();
    await Promise.all([
      node.exec('nft delete table inet fairway'),
      node.execSandbox(ingress, 'nft delete table inet fairway'),
    ]);
    await fairway.start();
    await swarm.answeredBy([node], 8903, 2);
    await comesBack(swarm, node);
    expect(fairway.log()).toContain('this node goes on by what it knew of itself');
  } finally {
    await swarm.cluster.startDockerd(node.name);
  }
  await swarm.answers('dockerless', 8903, 2);
});
