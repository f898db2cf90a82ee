// What others change in a real kernel, and how it is put right. The node is as in kernel/lab.ts: the ingress sandbox leads
// 8000 to its tasks, and the overlay network `back` has a virtual IP. The executor is the real one, in real time.
import { keys, writeNetwork } from '@fairway/bus';
import type { Outcome } from '@fairway/mesh';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { address, type ExecutorLab, endpoint, labRealClock, openLab as openExecutor, port } from './executor-lab.ts';
import type { Namespace } from './kernel/kernel.ts';
import { type Lab, openLab } from './kernel/lab.ts';
import { createLinuxKernel } from './kernel/linux.ts';
import type { Balancer } from './rules/rules.ts';

/** In the lab, whose kernel has IPVS, it is run with that too. */
const balancer: Balancer = process.env.FAIRWAY_BALANCER === 'ipvs' ? 'ipvs' : 'nftables';
const back = 'back000000000';
/** An emulated machine takes longer. */
const within = { timeout: 20_000 * Number(process.env.FAIRWAY_PATIENCE ?? 1) };

let node: Lab;
let lab: ExecutorLab;
/** What all namespaces had before anything was changed, as the kernel lists it. */
let right: string;

/** All that Fairway has in the kernel. */
async function held(): Promise<string> {
  const table = 'nft list table inet fairway 2>&1';
  const inSandbox = balancer === 'ipvs' ? `${table}; ipvsadm -Sn` : table;
  // Docker's RETURN at the end says nothing, and after a flush it is not there.
  const [host, ingress, network] = await Promise.all([
    node.run(
      'host',
      `${table} || true; iptables -S DOCKER-USER | grep -v RETURN || true; iptables -C FORWARD -j DOCKER-USER && echo led`,
    ),
    node.run('sandbox', `${inSandbox} || true; cat /proc/sys/net/ipv4/ip_forward`),
    node.run('balancer', `${inSandbox} || true; ip route show table local proto 77; cat /proc/sys/net/ipv4/ip_forward`),
  ]);
  return [host, ingress, network].join('\n');
}

beforeAll(async () => {
  node = await openLab('drift');
  const { netnsDir, hostNamespace } = node;
  const kernel = createLinuxKernel({ netnsDir, hostNamespace, balancer, limitMs: 60_000 });
  lab = await openExecutor({ given: () => kernel, clock: labRealClock });
  const flags = { ingress: false, attachable: true, internal: false, encrypted: false };
  await lab.write(keys.network(back), writeNetwork({ id: back, name: 'back', index: 0, ...flags }));
  const tasks = [5, 6].map((n) =>
    endpoint(n, 'n1', {
      addresses: [
        { network: 'ingress', address: address(`10.0.0.${n}`) },
        { network: back, address: address(`10.0.1.${n}`) },
      ],
    }),
  );
  await lab.service('web', [port(8000)], tasks, 'service create', [{ network: back, address: address('10.0.1.100') }]);
  const parts = ['dport : ip daddr', 'DOCKER-USER', '10.0.0.6', '10.0.1.6', 'local 10.0.1.100'];
  await vi.waitFor(async () => {
    const there = await held();
    for (const part of parts) expect(there).toContain(part);
  }, within);
  right = await held();
});
afterAll(async () => {
  await lab?.executor.stop();
  await node?.close();
});
// Nothing else is left of it, and nothing is put right twice.
afterEach(async () => {
  expect(await held()).toBe(right);
});

type Told = Extract<Outcome, { readonly kind: 'drifted' | 'repaired' }>;
const drift = () => lab.outcomes.filter((told): told is Told & { atMs: number } => 'found' in told);

type Change = readonly [
  place: Parameters<Lab['run']>[0],
  namespace: Namespace | 'host forwarding',
  line: string,
  found: string | RegExp,
];

/** Changes these by hand, and waits until each is told as found and as repaired. */
async function changed(...changes: readonly Change[]): Promise<void> {
  const before = drift().length;
  for (const [place, , line] of changes) await node.run(place, line);
  for (const [, namespace, , found] of changes) {
    const ofThis = () =>
      drift()
        .slice(before)
        .filter((told) => told.namespace === namespace && says(told.found, found));
    await expect.poll(() => ofThis().map(({ kind }) => kind), within).toEqual(['drifted', 'repaired']);
  }
  await expect.poll(held, within).toBe(right);
}

function says(found: readonly string[], wanted: string | RegExp): boolean {
  return found.some((sentence) => (wanted instanceof RegExp ? wanted.test(sentence) : sentence === wanted));
}

describe('of nftables, by its events', () => {
  test.each<Change>([
    ['host', 'host', 'nft delete table inet fairway', 'the table is missing'],
    ['sandbox', 'ingress', 'nft delete table inet fairway', 'the table is missing'],
    ['sandbox', 'ingress', 'nft flush ruleset', 'the table is missing'],
    ['balancer', 'lb_back00000', 'nft flush ruleset', 'the table is missing'],
    ['host', 'host', 'nft flush table inet fairway', /^chain \w+ lacks /],
    ['sandbox', 'ingress', 'nft flush table inet fairway', /^chain \w+ lacks /],
    ['host', 'host', 'nft flush map inet fairway ports', 'map ports lacks tcp . 8000 : 172.18.0.2'],
    [
      'host',
      'host',
      'nft "delete element inet fairway ports { tcp . 8000 }; add element inet fairway ports { tcp . 8000 : 172.18.0.9 }"',
      'map ports has tcp . 8000 : 172.18.0.9, not 172.18.0.2',
    ],
    [
      'host',
      'host',
      'nft add element inet fairway ports { tcp . 22 : 172.18.0.2 }',
      "map ports has tcp . 22 : 172.18.0.2, which is not Fairway's",
    ],
    ['sandbox', 'ingress', 'nft insert rule inet fairway prerouting accept', 'chain prerouting has accept'],
    ['sandbox', 'ingress', 'nft add chain inet fairway mine', 'chain mine is unknown'],
  ])('in %s (%s): %s', (...change) => changed(change));

  test('the two accepts in DOCKER-USER, where Docker keeps its own rule', async () => {
    const flush = 'iptables -F DOCKER-USER; iptables -A DOCKER-USER -j RETURN';
    await changed(
      ['host', 'host forwarding', flush, 'DOCKER-USER accepts connections led to docker_gwbridge'],
      ['host', 'host forwarding', ':', 'DOCKER-USER accepts answers from docker_gwbridge'],
    );
  });

  test.each(['iptables -F', 'iptables -F; iptables -X', 'iptables -D FORWARD -j DOCKER-USER'])(
    'what leads to them, and the table of iptables in which they are: %s',
    async (line) => {
      await changed(['host', 'host forwarding', line, 'FORWARD leads to DOCKER-USER']);
    },
  );

  test('what Fairway changes itself is none', async () => {
    const before = drift().length;
    const applied = lab.outcomes.length;
    await lab.service('other', [port(8001)], [endpoint(7, 'n1')]);
    await expect.poll(held, within).toContain('8001');
    await lab.service('other', [], []);
    await expect.poll(held, within).toBe(right);
    await expect.poll(() => lab.outcomes.length, within).toBeGreaterThan(applied);
    expect(drift().slice(before)).toEqual([]);
  });
});

describe('of what no event tells, by the check', () => {
  const set = (setting: string) => `echo 0 >/proc/sys/net/ipv4/${setting}`;
  const vip = 'ip route del local 10.0.1.100 dev eth0 table local';
  const server = '-t 172.18.0.2:8000';

  test('settings, virtual IPs and tracked connections', () =>
    changed(
      ['balancer', 'lb_back00000', vip, 'the sandbox lacks the virtual IP 10.0.1.100'],
      ['balancer', 'lb_back00000', set('ip_forward'), 'net.ipv4.ip_forward was 0, is 1'],
      ['sandbox', 'ingress', set('ip_forward'), 'net.ipv4.ip_forward was 0, is 1'],
      ['host', 'host forwarding', set('conf/docker_gwbridge/route_localnet'), /route_localnet was 0, is 1$/],
      ['host', 'host', 'conntrack -F', /^the tracked connections were flushed/],
      ['balancer', 'lb_back00000', 'conntrack -F', /^the tracked connections were flushed/],
    ));

  test('tracked connections are flushed: new ones are answered at once', async () => {
    for (const place of ['task5', 'task6'] as const)
      await (await node.peer(place)).ask({ do: 'listen', carrier: 'tcp', port: 80, name: place });
    const client = await node.peer('client');
    const before = drift().length;
    for (const place of ['host', 'sandbox'] as const) await node.run(place, 'conntrack -F');
    const asked = { do: 'call', carrier: 'tcp', host: '10.99.0.11', ports: [8000], times: 20, atOnce: 1 } as const;
    const { calls } = await client.ask(asked);
    expect(Object.keys(calls[8000] ?? {}).sort()).toEqual(['task5', 'task6']);
    for (const namespace of ['host', 'ingress']) {
      const ofThis = () => drift().filter((told, at) => at >= before && told.namespace === namespace);
      await expect.poll(() => ofThis().map(({ kind }) => kind), within).toEqual(['drifted', 'repaired']);
    }
  });

  test.runIf(balancer === 'ipvs')("IPVS's services, their weights and its settings", async () => {
    const weight = (task: string, is: string) => `tcp . 172.18.0.2 . 8000 > ${task}:80 : weight ${is}`;
    await changed(
      [
        'sandbox',
        'ingress',
        `ipvsadm -e ${server} -r 10.0.0.5:80 -m -w 7`,
        `IPVS has ${weight('10.0.0.5', '7, not weight 1')}`,
      ],
      ['sandbox', 'ingress', `ipvsadm -d ${server} -r 10.0.0.6:80`, `IPVS lacks ${weight('10.0.0.6', '1')}`],
      ['sandbox', 'ingress', set('vs/conntrack'), 'net.ipv4.vs.conntrack was 0, is 1'],
      ['balancer', 'lb_back00000', 'ipvsadm -C', 'IPVS lacks ip . 10.0.1.100 : rr'],
    );
    await changed(['sandbox', 'ingress', `ipvsadm -D ${server}`, 'IPVS lacks tcp . 172.18.0.2 . 8000 : rr']);
  });
});

test('a sandbox that Docker made anew has its rules at once', async () => {
  const before = drift().length;
  await node.replaceSandbox();
  await expect.poll(held, within).toBe(right);
  const found = ['Docker made the sandbox anew'];
  await expect
    .poll(() => drift().slice(before), within)
    .toMatchObject([
      { kind: 'drifted', namespace: 'ingress', found },
      { kind: 'repaired', namespace: 'ingress', found },
    ]);
});

test('a bridge that Docker made anew with another address is led to', async () => {
  const localnet = () => node.run('host', 'cat /proc/sys/net/ipv4/conf/docker_gwbridge/route_localnet');
  for (const network of ['172.19.0', '172.18.0']) {
    await node.run('host', 'ip link del docker_gwbridge; ip link add docker_gwbridge type bridge');
    await node.run('host', `ip addr add ${network}.1/16 dev docker_gwbridge; ip link set docker_gwbridge up`);
    expect(await localnet()).toBe('0\n');
    lab.executor.ownChanged({ ...lab.own, gateway: address(`${network}.2`) });
    await expect.poll(held, within).toBe(right.replaceAll('172.18.0.2', `${network}.2`));
    await expect.poll(localnet, within).toBe('1\n');
  }
});
