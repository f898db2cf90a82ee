// Docker's own mesh, as `fairway audit` finds it. Ports 86xx. Where the kernel has IPVS beside-docker.swarm.test.ts tries the rest.
import { type ClusterNode, until } from '@fairway/cluster';
import { expect } from 'vitest';
import { hasIpvs } from './sandbox-ipvs.ts';
import { type Swarm, stateMaxMs } from './swarm.ts';
import { test } from './swarm-test.ts';

const withoutIpvs = /^missing, host: the kernel has no IPVS/;

/** All that an audit looks at, and what of it others may change meanwhile left out. */
async function kernelOf(node: ClusterNode): Promise<string> {
  const listed = await node.exec(`iptables-save | grep -v '^#' | sed 's/\\[.*//'; nft list table inet fairway`);
  const inSandbox = await node.execSandbox('ingress_sbox', 'iptables-save -t mangle | grep ^-A; nft list ruleset');
  return `${listed.stdout}\n${inSandbox.stdout}`.replaceAll(/counter packets \d+ bytes \d+/g, '');
}

/** The service's tasks on other nodes than this, each with its address on the ingress network. */
async function tasksElsewhere(swarm: Swarm, service: string, node: ClusterNode) {
  const { services } = await swarm.converged();
  const endpoints = services.find(({ name }) => name === service)?.endpoints ?? [];
  return endpoints.filter((endpoint) => endpoint.node !== node.swarmNodeId).map(({ addresses }) => addresses[0] ?? '');
}

test('a way that leads to another node is found by its node, without a change, and set right where that is asked for', async ({
  swarm,
}) => {
  await swarm.create('audited', { ports: ['8600:8000'], replicas: 6 });
  await swarm.answers('audited', 8600, 6);
  const [node, ...others] = swarm.nodes;
  if (!node) throw new Error('no node');
  const clean = await swarm.examine('audit', node);
  expect(clean.unable).toEqual([]);
  expect(clean.findings.filter((found) => !withoutIpvs.test(found))).toEqual([]);
  expect(clean.findings.some((found) => withoutIpvs.test(found))).toBe(!hasIpvs);
  expect(clean.status).toBe(hasIpvs ? 0 : 1);

  const [address = ''] = await tasksElsewhere(swarm, 'audited', node);
  const way = await wayOf(node, address);
  const other = others.find((one) => one.address !== way.at)?.address ?? '';
  const lead = (to: string) =>
    node.execSandbox(way.overlay, `bridge fdb replace ${way.mac} dev vxlan0 dst ${to} self permanent`);
  const before = await kernelOf(node);
  expect(await lead(other)).toMatchObject({ status: 0 });
  try {
    // Again and again: on a busy machine an audit may take longer than a way stays wrong here.
    const misleading = setInterval(() => void lead(other), 500);
    const { status, findings } = await swarm.examine('audit', node).finally(() => clearInterval(misleading));
    expect(status).toBe(1);
    expect(findings.filter((found) => !withoutIpvs.test(found))).toEqual([
      expect.stringMatching(
        `^wrong, overlay ingress: ${address}, task .* at ${way.at}, and its way leads to ${other}$`,
      ),
    ]);
    expect(await kernelOf(node)).toBe(before);
    // Where --repair-overlay asks for it, as in this swarm, it is set right before long.
    await until(
      `the way to ${address} to lead to its node again`,
      async () => {
        const { at } = await wayOf(node, address);
        return at === way.at || at;
      },
      { limitMs: stateMaxMs },
    );
    await swarm.answers('audited', 8600, 6);
  } finally {
    await lead(way.at);
  }
});

/** A node's way to a task's address: its overlay's namespace, the MAC address, and the node that it leads to. */
async function wayOf(node: ClusterNode, address: string) {
  const { stdout } = await node.exec(`ls ${node.netnsDir}`);
  for (const overlay of stdout.split('\n').filter((file) => /^\d+-/.test(file))) {
    const { stdout: entries } = await node.execSandbox(overlay, 'ip neigh show nud all; bridge fdb show');
    const mac = new RegExp(`^${address} dev vxlan0 lladdr (\\S+)`, 'm').exec(entries)?.[1];
    const at = mac && new RegExp(`^${mac} dev vxlan0 dst (\\S+)`, 'm').exec(entries)?.[1];
    if (mac && at) return { overlay, mac, at };
  }
  throw new Error(`${node.name} has no way to ${address}`);
}

test('a node that only observes has no rules, is told of, and audits; where rules are left it does not begin', async ({
  swarm,
}) => {
  await swarm.create('observed', { ports: ['8610:8000'], replicas: 2 });
  await swarm.answers('observed', 8610, 2);
  const [node, ...others] = swarm.nodes;
  if (!node) throw new Error('no node');
  const tables = async () => [await swarm.table(node), await swarm.table(node, 'ingress_sbox')];
  const part = swarm.cluster.process(node.name);
  await part.stop();
  const before = await tables();
  await part.start({}, '--observe');
  await until('the node process to refuse', () => !part.isAlive || 'it runs', { limitMs: 30_000 });
  expect(part.log()).toContain('RulesLeft: this node has rules of Fairway');
  expect(await tables()).toEqual(before);
  await part.start();
  await swarm.explains(node.name, 8610);
  expect(await swarm.fairway('uninstall', node.name)).toMatchObject({ status: 0 });
  await part.stop();
  const bare = await tables();
  await part.start({}, '--observe');
  try {
    await swarm.create('unrouted', { ports: ['8611:8000'], replicas: 2 });
    await swarm.answeredBy(others, 8611, 2);
    await swarm.view('the node to say that it only observes', ({ problems }) => {
      const said = JSON.stringify(problems);
      return said.includes('--observe') || said;
    });
    expect(await tables()).toEqual(bare);
    const { findings } = await swarm.examine('audit', node);
    expect(findings.filter((found) => !withoutIpvs.test(found))).toEqual([]);
    const { status, stderr } = await swarm.fairway('uninstall', node.name);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('this node only observes') });
  } finally {
    await part.stop();
    await part.start();
    await until(
      'the node to be taken back',
      async () => {
        const { status, stderr } = await swarm.fairway('install', node.name);
        return status === 0 || stderr;
      },
      { limitMs: stateMaxMs },
    );
  }
  await swarm.answers('unrouted', 8611, 2);
});
