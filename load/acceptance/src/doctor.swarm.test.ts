// What keeps a mesh from working, as `fairway doctor` finds it. Ports 85xx.
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

test('a swarm that is well has nothing that a doctor finds', async ({ swarm }) => {
  await swarm.create('healthy', { ports: ['8500:8000'], replicas: 6 });
  await swarm.answers('healthy', 8500, 6);
  for (const node of swarm.nodes) {
    const { looked, ...found } = await swarm.examine('doctor', node);
    expect(found).toEqual({ status: 0, findings: [], unable: [] });
    expect(looked).toContain('other nodes, sandbox to sandbox');
  }
});

test('a link that is too narrow, a setting, and VXLAN that a firewall drops are found, with what mends them', async ({
  swarm,
}) => {
  await swarm.create('sick', { ports: ['8510:8000'], replicas: 6 });
  await swarm.answers('sick', 8510, 6);
  const [node, other] = swarm.nodes;
  if (!node || !other) throw new Error('there are several nodes');
  const dropped = 'INPUT -p udp --dport 4789 -j DROP';
  await node.exec('ip link set eth0 mtu 1480; sysctl -qw net.bridge.bridge-nf-call-iptables=0');
  await other.exec(`iptables -I ${dropped}`);
  try {
    const { status, findings, unable } = await swarm.examine('doctor', node);
    expect({ status, unable }).toEqual({ status: 1, unable: [] });
    expect(findings).toEqual(
      expect.arrayContaining([
        'wrong, overlay ingress: its MTU is 1450, and eth0, which carries it, has 1480: 1430 would fit',
        'wrong, host: net.bridge.bridge-nf-call-iptables is 0',
        `wrong, overlay ingress: ${other.name}, at ${other.address}, does not answer there`,
      ]),
    );
    const { stdout } = await swarm.fairway('doctor', node.name);
    expect(stdout).toContain('mend: sysctl -w net.bridge.bridge-nf-call-iptables=1\n');
  } finally {
    await node.exec('ip link set eth0 mtu 1500; sysctl -qw net.bridge.bridge-nf-call-iptables=1');
    await other.exec(`iptables -D ${dropped}`);
  }
  await swarm.answers('sick', 8510, 6);
});
