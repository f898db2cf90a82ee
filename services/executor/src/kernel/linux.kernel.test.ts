// Address plan: see lab.ts and traffic.kernel.test.ts. Each test has tables and sandbox of its own making.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { difference, removal } from '../rules/difference.ts';
import { type Balancer, balancers, type NetworkWish, vipKey } from '../rules/rules.ts';
import { ingressOf, ipv4, networkOf, target, targets } from '../rules/sample.ts';
import { targetsOf } from '../rules/targets.ts';
import { transactionOf } from '../rules/transaction.ts';
import { balancerContract } from './balancer-contract.ts';
import type { Subject } from './contract-subject.ts';
import type { NetworkSandbox, RulesOf } from './kernel.ts';
import { type Lab, openLab } from './lab.ts';
import { createLinuxKernel } from './linux.ts';
import { nodeContract } from './node-contract.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('verbs');
});
afterAll(() => lab?.close());

const hasIpvs = spawnSync('ipvsadm', ['-S', '-n']).status === 0;

/** A real node without Fairway's tables. */
async function emptied(balancer: Balancer): Promise<Subject> {
  await Promise.all([
    lab.replaceSandbox(),
    lab.run(
      'host',
      `nft delete table inet fairway 2>/dev/null || true; iptables -F DOCKER-USER
       echo 0 >/proc/sys/net/ipv4/conf/docker_gwbridge/route_localnet`,
    ),
    lab.run(
      'balancer',
      `nft delete table inet fairway 2>/dev/null || true; ip route flush table local proto 77
       sysctl -qw net.ipv4.ip_forward=0; ${hasIpvs ? 'ipvsadm -C' : ''}`,
    ),
  ]);
  const { netnsDir, hostNamespace } = lab;
  // Patient: on an emulated machine the first command of its kind takes seconds.
  const limitMs = 60_000;
  return { ...lab, kernel: createLinuxKernel({ netnsDir, hostNamespace, balancer, limitMs }) };
}

describe('the real kernel', () => nodeContract(() => emptied('nftables')));

describe.each(balancers.filter((balancer) => balancer !== 'ipvs' || hasIpvs))('the real kernel with %s', (balancer) => {
  balancerContract(balancer, () => emptied(balancer));
});

test.runIf(hasIpvs).each([
  ['nftables', 'ipvs'],
  ['ipvs', 'nftables'],
] as const)('a sandbox that %s balanced is balanced by %s, and nothing is left of before', async (before, after) => {
  await lab.replaceSandbox();
  const { netnsDir, hostNamespace } = lab;
  for (const balancer of [before, after]) {
    const kernel = createLinuxKernel({ netnsDir, hostNamespace, balancer, limitMs: 60_000 });
    await kernel.ensureSettings('ingress');
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6) });
    const { transaction } = difference<RulesOf<'ingress'>>(await kernel.read('ingress'), wish, true, balancer);
    if (transaction) await kernel.apply('ingress', transaction);
    const { rules } = (await kernel.read('ingress')) ?? {};
    expect(rules && targetsOf(rules, 'tcp . 8000')).toEqual(targets(5, 6));
  }
  expect(await lab.run('sandbox', 'ipvsadm -S -n')).toMatch(after === 'ipvs' ? /^-A -t/ : /^$/);
  expect(await lab.run('sandbox', 'nft list tables inet')).toBe('table inet fairway\n');
});

test.runIf(hasIpvs)(
  "IPVS's timeouts are set once where they are asked for, and given back with the table",
  async () => {
    await lab.replaceSandbox();
    const ipvsTimeouts = { tcpS: 7200, tcpFinS: 30, udpS: 60 };
    const { netnsDir } = lab;
    const kernel = createLinuxKernel({ netnsDir, balancer: 'ipvs', ipvsTimeouts, limitMs: 60_000 });
    const timeouts = async () => (await lab.run('sandbox', 'ipvsadm -L --timeout')).trim();
    expect(await kernel.ensureSettings('ingress')).toContain("IPVS's timeouts were others");
    expect(await timeouts()).toBe('Timeout (tcp tcpfin udp): 7200 30 60');
    expect(await kernel.ensureSettings('ingress')).toEqual([]);
    const wish = ingressOf({ 'tcp . 8000': targets(5) });
    const { transaction, rules } = difference<RulesOf<'ingress'>>(undefined, wish, true, 'ipvs');
    if (transaction) await kernel.apply('ingress', transaction);
    const gone = removal({ rules, layout: 2, foreign: [] });
    for (const one of [gone.rules, gone.servers]) if (one) await kernel.apply('ingress', one);
    expect(await timeouts()).toBe('Timeout (tcp tcpfin udp): 900 120 300');
  },
);

test('a sandbox that gets the inode of the one before is another one all the same', async () => {
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
  const ids = new Set<string | undefined>();
  const inodes = new Set<string | undefined>();
  // Until the kernel gives one out again, after a few dozen at most.
  for (let turn = 1; inodes.size === turn - 1; turn += 1) {
    await lab.replaceSandbox();
    const id = (await kernel.sandboxes()).get('ingress');
    ids.add(id);
    inodes.add(id?.split('@')[0]);
    expect(ids.size).toBe(turn);
  }
});

describe('a rebuild that was cut short', () => {
  test('leaves a second table, which the next program takes away', async () => {
    await lab.replaceSandbox();
    await lab.run('sandbox', 'nft add table inet fairway-standby');
    const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
    expect(await kernel.read('ingress')).toBeUndefined();
    expect(await lab.run('sandbox', 'nft list tables')).toBe('');
  });
});

describe('routes of virtual IPs', () => {
  const vip = vipKey(ipv4('10.0.1.100'));
  /** What the sandbox answers for: `10.0.1.100 77` by Fairway, `10.0.1.100 kernel` for an address that it has. */
  const answeredFor = async () =>
    [
      ...(await lab.run('balancer', 'ip -4 route show table local type local dev eth0')).matchAll(
        /local (\S+) proto (\S+)/g,
      ),
    ].map(([, address, protocol]) => `${address} ${protocol}`);
  const bring = async (wish: NetworkWish) => {
    const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
    const { transaction } = difference<RulesOf<NetworkSandbox>>(await kernel.read(lab.networkSandbox), wish, true);
    if (transaction) await kernel.apply(lab.networkSandbox, transaction);
  };
  beforeEach(() =>
    lab.run(
      'balancer',
      `nft delete table inet fairway 2>/dev/null || true
       ip address flush dev eth0 to 10.0.1.0/24; ip route flush table local proto 77`,
    ),
  );

  test('are known as ours, and deleted with the virtual IP, and with the table', async () => {
    await bring(networkOf({ 100: [5] }));
    expect(await answeredFor()).toEqual(['10.0.0.4 kernel', '10.0.1.100 77']);
    await bring(networkOf({}));
    expect(await answeredFor()).toEqual(['10.0.0.4 kernel']);
    await bring(networkOf({ 100: [5], 101: [] }));
    const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
    const found = await kernel.read(lab.networkSandbox);
    const { rules } = found ? removal(found) : {};
    if (rules) await kernel.apply(lab.networkSandbox, rules);
    expect(await answeredFor()).toEqual(['10.0.0.4 kernel']);
  });

  test.each(['before', 'after'])('keep Docker from no address that it gives %s, nor take it away', async (when) => {
    const give = () => lab.run('balancer', 'ip address add 10.0.1.100/32 dev eth0');
    if (when === 'before') await give();
    await bring(networkOf({ 100: [5] }));
    if (when === 'after') await give();
    expect((await answeredFor()).sort()).toEqual(['10.0.0.4 kernel', '10.0.1.100 77', '10.0.1.100 kernel']);
    await bring(networkOf({}));
    expect(await answeredFor()).toEqual(['10.0.0.4 kernel', '10.0.1.100 kernel']);
  });

  test('stay when Docker takes its address away', async () => {
    await lab.run('balancer', 'ip address add 10.0.1.100/32 dev eth0');
    await bring(networkOf({ 100: [5] }));
    await lab.run('balancer', 'ip address del 10.0.1.100/32 dev eth0');
    expect(await answeredFor()).toEqual(['10.0.0.4 kernel', '10.0.1.100 77']);
  });

  test('that cannot be added are an error, and what could be is', async () => {
    const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
    // Down meanwhile: Linux 6.1 renames no other.
    await lab.run('balancer', 'ip link set eth0 down && ip link set eth0 name eth9 && ip link set eth9 up');
    try {
      const transaction = transactionOf([
        { do: 'add table', kind: 'network' },
        { do: 'add element', element: { map: 'vips', key: vip } },
      ]);
      const applying = kernel.apply(lab.networkSandbox, transaction as NonNullable<typeof transaction>);
      await expect(applying).rejects.toThrow(/Cannot find device/);
      expect(await lab.run('balancer', 'nft list tables')).toBe('table inet fairway\n');
    } finally {
      await lab.run('balancer', 'ip link set eth9 down; ip link set eth9 name eth0; ip link set eth0 up');
    }
  });
});

test('what is killed on a slow machine has longer the next time, until it is done', async () => {
  await writeFile(join(lab.netnsDir, 'nft'), '#!/bin/sh\nsleep 1\nexec /usr/sbin/nft "$@"\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${lab.netnsDir}:${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir, limitMs: 500 });
  await expect(kernel.show(lab.networkSandbox)).rejects.toThrow('killed after 500 ms');
  const again = () => kernel.show(lab.networkSandbox);
  // Its failure is the test's.
  await again().catch(again).catch(again);
});

test('of a great many connections to be dropped those that there are are, in the time of a command', async () => {
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir, limitMs: 2_000 });
  const address = (n: number) => ipv4(`10.0.${200 + Math.floor(n / 250)}.${1 + (n % 250)}`);
  const stale = Array.from(
    { length: 1_000 },
    (_, n) => ({ kind: 'backend', carrier: 'udp', target: { address: address(n) } }) as const,
  );
  const track = ([port, task]: readonly [number, string]) =>
    `conntrack -I -p udp -t 60 -s 10.0.0.9 -d 10.0.1.100 --sport ${port} --dport 80
     -r ${task} -q 10.0.0.4 --reply-port-src 80 --reply-port-dst ${port}`.replaceAll(/\s+/g, ' ');
  const tracked = [
    [1001, address(3).text],
    [1002, address(3).text],
    [1003, address(999).text],
    [1004, '10.0.0.5'],
  ] as const;
  await lab.run('balancer', tracked.map(track).join('\n'));
  expect(await kernel.forget(lab.networkSandbox, stale)).toBe(3);
  expect(await kernel.forget(lab.networkSandbox, stale)).toBe(0);
  expect(await lab.run('balancer', 'conntrack -D -p udp --reply-src 10.0.0.5 | wc -l')).toBe('1\n');
});

test('of the TCP connections to a task those that open are dropped, all where it is dead, and none that is closed', async () => {
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir, limitMs: 60_000 });
  const states = ['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE'];
  const track = (last: number) =>
    states.map(
      (state, n) =>
        `conntrack -I -p tcp -t 60 --state ${state} -s 10.0.0.9 -d 10.0.1.100 --sport ${1100 + 10 * last + n} --dport 80
         -r 10.0.0.${last} -q 10.0.0.4 --reply-port-src 80 --reply-port-dst ${1100 + 10 * last + n}`,
    );
  const lasts = [61, 62, 63, 64];
  await lab.run('balancer', lasts.flatMap(track).join('\n').replaceAll(/\n +/g, ' '));
  const opening = (last: number) =>
    ({ kind: 'opening', carrier: 'tcp', target: { address: ipv4(`10.0.0.${last}`), port: 80 } }) as const;
  const dead = (last: number) => ({ ...opening(last), kind: 'backend' }) as const;
  const forget = (...stale: Parameters<typeof kernel.forget>[1]) => kernel.forget(lab.networkSandbox, stale);
  expect(await forget(opening(61))).toBe(1);
  expect(await forget(opening(61))).toBe(0);
  expect(await forget(dead(61))).toBe(5);
  expect(await forget(dead(61))).toBe(0);
  // So many that a list of what there is comes first.
  expect(await forget(dead(61), opening(62), dead(63), dead(64))).toBe(13);
  expect(await forget(dead(61), opening(62), dead(63), dead(64))).toBe(0);
  const left = await lab.run('balancer', 'conntrack -L -p tcp --reply-dst 10.0.0.4 2>/dev/null');
  const statesOf = (last: number) =>
    [...left.matchAll(/^tcp +6 \d+ (\S+) .* src=10\.0\.0\.(\d+) dst=10\.0\.0\.4 /gm)]
      .flatMap(([, state = '', by]) => (by === `${last}` ? [state] : []))
      .sort();
  for (const last of [61, 63, 64]) expect(statesOf(last)).toEqual(['CLOSE', 'TIME_WAIT']);
  expect(statesOf(62)).toEqual(states.filter((state) => state !== 'SYN_SENT').sort());
});

test('what would be refused is told with its reason, and nothing of it takes effect', async () => {
  await lab.replaceSandbox();
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir, limitMs: 60_000 });
  const { transaction } = difference<RulesOf<'ingress'>>(undefined, ingressOf({ 'tcp . 8000': targets(5) }), true);
  if (!transaction) throw new Error('nothing to do');
  expect(await kernel.refusal('ingress', transaction)).toBeUndefined();
  expect(await kernel.read('ingress')).toBeUndefined();
  await kernel.apply('ingress', transaction);
  const more = transactionOf([
    { do: 'add element', element: { map: 'slots', key: 'tcp . 8001 . 0', target: target(6) } },
    // There is no such chain.
    { do: 'add element', element: { map: 'services', key: 'tcp . 8001', endpoints: 7 } },
  ]);
  if (!more) throw new Error('nothing to do');
  expect(await kernel.refusal('ingress', more)).toMatch(/^Could not process rule: No such file or directory/);
  expect((await kernel.read('ingress'))?.rules).not.toHaveProperty(['slots', 'size'], 2);
});

test('the ways of an overlay are those with both of its entries', async () => {
  const network = { id: 'back0000000000000000', ingress: false, encrypted: false };
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
  const file = join(lab.netnsDir, '2-back000000');
  await writeFile(file, '');
  expect(await kernel.reached(network, ['10.0.1.6'])).toEqual(new Set());
  await lab.mount('overlay', file);
  // Docker makes the namespace first, and each subnet's device with the first container on it.
  const asked = ['10.0.1.6', '10.0.1.7', '10.0.1.8', '10.0.2.6'];
  expect(await kernel.reached(network, asked)).toEqual(new Set());
  await lab.run(
    'overlay',
    `ip link add vxlan0 type vxlan id 4097 dstport 4789 dev lo
     ip neigh add 10.0.1.6 lladdr 02:42:0a:00:01:06 dev vxlan0 nud permanent
     ip neigh add 10.0.1.7 lladdr 02:42:0a:00:01:07 dev vxlan0 nud permanent
     bridge fdb add 02:42:0a:00:01:06 dev vxlan0 dst 10.99.0.12
     bridge fdb add 02:42:0a:00:01:08 dev vxlan0 dst 10.99.0.12
     ip link add vxlan1 type vxlan id 4098 dstport 4789 dev lo
     ip neigh add 10.0.2.6 lladdr 02:42:0a:00:02:06 dev vxlan1 nud permanent
     bridge fdb add 02:42:0a:00:02:06 dev vxlan1 dst 10.99.0.12`,
  );
  expect(await kernel.reached(network, asked)).toEqual(new Set(['10.0.1.6', '10.0.2.6']));
  // There are no keys on this host, so an encrypted network has no way to anybody.
  expect(await kernel.reached({ ...network, encrypted: true }, asked)).toEqual(new Set());
  await lab.unmount(file);
  expect(await kernel.reached(network, asked)).toEqual(new Set());
});

test('ways are set where there are none, and taken away until Docker has set its own', async () => {
  const network = { id: 'back0000000000000000', ingress: false, encrypted: false };
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
  expect(await kernel.ways(network)).toBeUndefined();
  const file = join(lab.netnsDir, '4-back000000');
  await writeFile(file, '');
  await lab.mount('overlay', file);
  onTestFinished(() => lab.unmount(file));
  await lab.run('overlay', 'ip link add vxlan3 type vxlan id 4100 dstport 4789 dev lo');
  onTestFinished(async () => void (await lab.run('overlay', 'ip link del vxlan3')));
  const way = (n: number, node: string) =>
    [`10.0.3.${n}`, { device: 'vxlan3', mac: `02:42:0a:00:03:${n}`, node }] as const;
  const own = (n: number, node: string) => [`10.0.3.${n}`, { ...way(n, node)[1], isOwn: true }] as const;
  const held = async () => Object.fromEntries((await kernel.ways(network)) ?? []);
  /** As Docker does (libnetwork osl/neigh_linux.go, `NeighSet`). */
  const dockerSets = (n: number, node: string) =>
    lab.run(
      'overlay',
      `ip neigh replace 10.0.3.${n} lladdr 02:42:0a:00:03:${n} dev vxlan3 nud permanent
       bridge fdb replace 02:42:0a:00:03:${n} dev vxlan3 dst ${node} self permanent`,
    );
  await dockerSets(56, '10.99.0.12');
  // What the device has learned is in nobody's way, and neither is a neighbour that failed.
  await lab.run('overlay', 'bridge fdb add 02:42:0a:00:03:58 dev vxlan3 dst 10.99.0.12 self dynamic');
  const all = new Map([way(56, '10.99.0.13'), way(57, '10.99.0.13'), way(58, '10.99.0.13')]);
  for (let time = 0; time < 2; time++) await kernel.putWays(network, all);
  const expected = Object.fromEntries([way(56, '10.99.0.12'), own(57, '10.99.0.13'), own(58, '10.99.0.13')]);
  expect(await held()).toMatchObject(expected);

  const elsewhere = new Map([way(56, '10.99.0.14')]);
  await lab.run('overlay', 'ip neigh replace 10.0.3.56 lladdr 02:42:0a:00:03:99 dev vxlan3 nud permanent');
  for (let time = 0; time < 2; time++) await kernel.setWays(network, elsewhere);
  expect(await held()).toMatchObject(Object.fromEntries([own(56, '10.99.0.14')]));

  await dockerSets(56, '10.99.0.12');
  await dockerSets(57, '10.99.0.12');
  for (let time = 0; time < 2; time++) await kernel.dropWays(network, all);
  const left = await held();
  expect(left).toMatchObject(Object.fromEntries([way(56, '10.99.0.12'), way(57, '10.99.0.12')]));
  expect(left).not.toHaveProperty(['10.0.3.58']);
  expect(left['10.0.3.57']).not.toHaveProperty('isOwn');
});

test('a node answers where one of its addresses does, for not every task has to', async () => {
  const network = { id: 'back0000000000000000', ingress: false, encrypted: false };
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
  const file = join(lab.netnsDir, '3-back000000');
  await writeFile(file, '');
  await lab.mount('overlay', file);
  onTestFinished(() => lab.unmount(file));
  const way = (n: number, node: string) => `
    ip neigh add 10.0.0.${n} lladdr 02:42:0a:00:00:${n} dev vxlan2 nud permanent
    bridge fdb add 02:42:0a:00:00:${n} dev vxlan2 dst ${node}`;
  await lab.run(
    'overlay',
    `ip link add vxlan2 type vxlan id 4099 dstport 4789 dev lo
     ${way(56, '10.99.0.12')} ${way(57, '10.99.0.13')} ${way(58, '10.99.0.13')} ${way(7, '10.99.0.13')}`,
  );
  const addresses = ['10.0.0.56', '10.0.0.57', '10.0.0.7'];
  const answers = await Promise.all(addresses.map((one) => kernel.nodeAnswers(network, one)));
  expect(answers).toEqual([false, true, true]);
  // By itself a task answers for nobody else.
  expect(await Promise.all(addresses.map((one) => kernel.answers(network, one)))).toEqual([false, false, true]);
  // This one is there, and on no other node: nobody has a way to it.
  expect(await kernel.nodeAnswers(network, '10.0.0.5')).toBe(false);
  await lab.unmount(file);
  expect(await kernel.nodeAnswers(network, '10.0.0.7')).toBe(false);
});
