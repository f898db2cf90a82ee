// This node is n1; n2 is beta, at 192.0.2.2, with one task of web at 10.0.0.12 on the ingress network. What the programs print
// is of iproute2 6.1 and iptables 1.8.9, shortened.
import { createServer } from 'node:net';
import { type Address, emptyMesh, type Finding, type Mesh, type NodeClaim } from '@fairway/mesh';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CommandFailed, CommandMissing } from '../kernel/failures.ts';
import type { Machine } from '../kernel/machine.ts';
import { macOf } from '../kernel/overlay.ts';
import { doctor } from './doctor.ts';

const at = (text: string): Address => ({ family: 'ip', text });
const claim = { index: 1, role: 'worker', availability: 'active', state: 'ready', labels: {} } as const;
const flags = { index: 1, attachable: false, internal: false, encrypted: false };
const mesh: Mesh = {
  ...emptyMesh('e'),
  complete: true,
  networks: new Map([['ingress', { id: 'ingress', name: 'ingress', ingress: true, ...flags }]]),
  nodes: new Map(
    ['n1 alpha', 'n2 beta'].map((each) => {
      const [id = '', name = ''] = each.split(' ');
      return [id, { claim: { ...claim, id, name }, retired: [], causes: [] }];
    }),
  ),
  services: new Map([
    [
      'web',
      {
        spec: { id: 'web', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} },
        endpoints: [
          {
            ...{ task: 't12', node: 'n2', claim: 'running', index: 1, container: 'running', sinceMs: 0 },
            addresses: [{ network: 'ingress', address: at('10.0.0.12') }],
          },
        ],
        causes: [],
        seen: 1,
      },
    ],
  ]),
};

/** The mesh whose managers call this node that. */
function calling(state: NodeClaim['state']): Mesh {
  const own = { claim: { ...claim, id: 'n1', name: 'alpha', state }, retired: [], causes: [] };
  return { ...mesh, nodes: new Map([...mesh.nodes, ['n1', own]]) };
}

const snmp = `Tcp: RtoAlgorithm InSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 0 0 0
Udp: InDatagrams NoPorts InErrors InCsumErrors IgnoredMulti
Udp: 10 0 0 0 0
`;

type Machine1 = {
  /** Files that say something else than usual; undefined for one that is not there. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  /** Programs that print something else, by what their command begins with. */
  readonly prints?: Readonly<Record<string, string | Error>>;
  readonly silent?: boolean;
  readonly servers?: readonly string[];
  /** What the second look prints. */
  readonly later?: string;
  readonly known?: 'nothing';
  /** To the tasks of n2. */
  readonly ways?: 'none';
  /** What the managers call this node at the first look and at those after it. */
  readonly called?: readonly [NodeClaim['state'], NodeClaim['state']];
};

const files: Readonly<Record<string, string | undefined>> = {
  '/proc/sys/net/ipv4/ip_forward': '1\n',
  '/proc/sys/net/bridge/bridge-nf-call-iptables': '1\n',
  '/proc/sys/net/netfilter/nf_conntrack_count': '8000\n',
  '/proc/sys/net/netfilter/nf_conntrack_max': '262144\n',
};
const prints: Readonly<Record<string, string | Error>> = {
  'nft -c': '',
  'iptables --version': 'iptables v1.8.9 (nf_tables)\n',
  'iptables-nft-save': '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n',
  'iptables-legacy-save': '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n',
  'ip -j -d link show type vxlan': '',
  'ip -j route get': '[{"dst":"192.0.2.2","dev":"eth0","prefsrc":"192.0.2.1","flags":[],"uid":0,"cache":[]}]',
  'ip -j link show dev eth0': '[{"ifname":"eth0","mtu":1500}]',
  'ip -j -4 addr show dev eth0':
    '[{"ifname":"eth0","mtu":1450,"addr_info":[{"family":"inet","local":"10.0.0.4","prefixlen":32},{"family":"inet","local":"10.0.0.2","prefixlen":24}]}]',
  sh: `== ingress_sbox\n${snmp}`,
};

function examine({
  files: otherFiles,
  prints: otherPrints,
  silent = false,
  servers = [],
  later,
  known,
  ways,
  called = ['ready', 'ready'],
}: Machine1 = {}) {
  let looks = 0;
  let asked = 0;
  const run = async (command: readonly string[]) => {
    const line = command.join(' ');
    if (line.startsWith('sh ') && looks++ > 0 && later !== undefined) return later;
    const all = { ...prints, ...otherPrints };
    const printed = Object.entries(all).find(([begins]) => line.startsWith(begins))?.[1];
    if (printed === undefined) throw new Error(`nobody asks for ${line}`);
    if (printed instanceof Error) throw printed;
    return printed;
  };
  const machine: Machine = {
    netnsDir: '/netns',
    read: async (path) => ({ ...files, ...otherFiles })[path],
    run,
    runIn: (_, command) => run(command),
  };
  const way = { device: 'vxlan0', mac: macOf('10.0.0.12') ?? '', node: '192.0.2.2' };
  return doctor({
    machine,
    kernel: {
      requirements: async () => [],
      nodeAnswers: async () => !silent,
      sandboxes: async () => new Map([['ingress', '1']]),
      ways: async () => new Map(ways ? [] : [['10.0.0.12', way]]),
    },
    known: () =>
      known ? undefined : { mesh: calling(called[asked++ ? 1 : 0]), own: { node: 'n1', containers: new Map() } },
    servers,
    clock: {
      after(_, callback) {
        setImmediate(callback);
        return () => {};
      },
    },
    nowMs: () => 7,
  });
}

const shown = ({ kind, where, what, mend }: Finding) => `${kind}, ${where}: ${what}; ${mend}`;

test('of a machine that is well nothing is found, what was looked at is told, and its clock', async () => {
  const { clockMs, looked, findings, unable } = await examine();
  expect({ clockMs, findings, unable }).toEqual({ clockMs: 7, findings: [], unable: [] });
  expect(looked).toHaveLength(13);
});

const csum = snmp.replace('Tcp: 1 200 0 0 0', 'Tcp: 1 200 3 0 3');

test.each<[string, Machine1, readonly string[]]>([
  [
    'forwarding that is off',
    { files: { '/proc/sys/net/ipv4/ip_forward': '0\n' } },
    ['wrong, host: net.ipv4.ip_forward is 0; sysctl -w net.ipv4.ip_forward=1'],
  ],
  [
    'a module that is missing',
    { files: { '/proc/sys/net/bridge/bridge-nf-call-iptables': undefined } },
    [
      'missing, host: there is no net.bridge.bridge-nf-call-iptables; modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1',
    ],
  ],
  [
    'tracked connections that are too many',
    { files: { '/proc/sys/net/netfilter/nf_conntrack_count': '240000\n' } },
    ['wrong, host: 240000 connections are tracked, of 262144 at most; sysctl -w net.netfilter.nf_conntrack_max=524288'],
  ],
  [
    'a kernel that does not take the rules',
    { prints: { 'nft -c': new CommandFailed('nft', 1, 'Error: Could not process rule: Operation not supported') } },
    [
      "missing, host: the kernel does not take rules as Fairway's: nft: Error: Could not process rule: Operation not supported; modprobe -a nf_tables nft_nat nft_masq nft_fib_inet nft_numgen nft_reject_inet nft_ct, or a kernel that has them",
    ],
  ],
  [
    "Docker's rules in the other iptables",
    {
      files: { '/proc/net/ip_tables_names': 'nat\nfilter\n' },
      prints: {
        'iptables-legacy-save': '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n',
        'iptables-nft-save': '',
      },
    },
    [
      "wrong, host: Docker's chains are in iptables-legacy, and the program iptables is iptables-nft; update-alternatives --set iptables /usr/sbin/iptables-legacy && systemctl restart docker",
    ],
  ],
  [
    "Docker's rules in both",
    {
      files: { '/proc/net/ip_tables_names': 'nat\nfilter\n' },
      prints: { 'iptables-legacy-save': '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n' },
    },
    [
      "stale, host: Docker's chains are in iptables-legacy and in iptables-nft; iptables-legacy -t nat -F && iptables-legacy -F && iptables-legacy -P FORWARD ACCEPT, where nothing else needs them",
    ],
  ],
  [
    'a VXLAN device of somebody else',
    {
      prints: {
        'ip -j -d link show type vxlan':
          '[{"ifname":"flannel.1","linkinfo":{"info_data":{"port":4789}}},{"ifname":"other","linkinfo":{"info_data":{"port":8472}}},{"ifname":"vx-001001-lyjl7","linkinfo":{"info_data":{"port":4789}}}]',
      },
    },
    [
      "wrong, host: flannel.1 is a VXLAN device of somebody else's on UDP port 4789, the overlays' own; give it another port, or the swarm: docker swarm init --data-path-port",
      'stale, host: Docker has left vx-001001-lyjl7 behind, which belongs in an overlay; ip link del vx-001001-lyjl7',
    ],
  ],
  [
    'wrong checksums',
    {
      prints: { sh: `== old\n${csum}== 1a2b\n${snmp}== gone\nnsenter: reassociate failed\n` },
      later: `== old\n${csum}== 1a2b\n${csum}== new\n${csum}`,
    },
    [
      'wrong, 1a2b: 3 segments or datagrams came with a wrong checksum within 2 s; ethtool -K INTERFACE tx-checksum-ip-generic off, on the nodes that send to this one',
    ],
  ],
  [
    'an overlay whose packets are too large',
    { prints: { 'ip -j link show dev eth0': '[{"ifname":"eth0","mtu":1450}]' } },
    [
      'wrong, overlay ingress: its MTU is 1450, and eth0, which carries it, has 1450: 1400 would fit; make the network anew with --opt com.docker.network.driver.mtu=1400',
    ],
  ],
  [
    'a small subnet that has room',
    { prints: { 'ip -j -4 addr show dev eth0': '[{"mtu":1450,"addr_info":[{"local":"10.0.0.2","prefixlen":29}]}]' } },
    [],
  ],
  [
    'a subnet that is full',
    { prints: { 'ip -j -4 addr show dev eth0': '[{"mtu":1450,"addr_info":[{"local":"10.0.0.2","prefixlen":30}]}]' } },
    [
      'wrong, overlay ingress: 0 of its 1 addresses are free; make the ingress network anew with a larger --subnet (docker network create --ingress)',
    ],
  ],
  [
    'a way that is missing',
    { ways: 'none' },
    [
      'missing, overlay ingress: there is no way to 10.0.0.12, task t12 of web on beta; run the node process with --repair-overlay, which sets it within a minute',
    ],
  ],
  [
    'a node that the managers go on calling down',
    { called: ['down', 'down'] },
    ["wrong, swarm: Docker's managers call this node down; systemctl restart docker, on this node: it registers anew"],
  ],
  ['a node that registers meanwhile', { called: ['down', 'ready'] }, []],
  [
    'a node that does not answer',
    { silent: true },
    [
      'wrong, overlay ingress: beta, at 192.0.2.2, does not answer there; let VXLAN (UDP port 4789 unless --data-path-port is another), and IP protocol 50 where networks are encrypted, through between this node and 192.0.2.2',
    ],
  ],
])('%s', async (_, machine, found) => {
  const { findings, unable } = await examine(machine);
  expect({ found: findings.map(shown), unable }).toEqual({ found, unable: [] });
});

test('iptables-legacy is not asked where the kernel has none of its tables, which it would make', async () => {
  const { findings } = await examine({
    prints: { 'iptables-legacy-save': '*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n' },
  });
  expect(findings).toEqual([]);
});

test('what could not be looked at keeps nothing else from being looked at', async () => {
  const { looked, findings, unable } = await examine({
    files: { '/proc/sys/net/ipv4/ip_forward': '0' },
    prints: { 'iptables --version': new CommandMissing('iptables', undefined) },
  });
  expect(unable).toEqual([{ where: 'iptables, legacy and nft', why: expect.stringContaining('cannot be started') }]);
  expect(findings).toHaveLength(1);
  expect(looked).toHaveLength(12);
});

test('a machine that is in no swarm is looked at all the same', async () => {
  const { findings, unable } = await examine({ known: 'nothing', files: { '/proc/sys/net/ipv4/ip_forward': '0' } });
  expect(unable).toEqual([{ where: 'swarm', why: expect.stringContaining('in no swarm') }]);
  expect(findings).toHaveLength(1);
});

describe("the bus's servers", () => {
  test('one that takes no connection is named', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const there = `tls://127.0.0.1:${port}`;
    const { findings } = await examine({ servers: [there, 'nats://127.0.0.1:1'] });
    expect(findings.map(({ what }) => what)).toEqual([
      expect.stringMatching('^nats://127.0.0.1:1 takes no connection from this node: .*ECONNREFUSED'),
    ]);
  });
});
