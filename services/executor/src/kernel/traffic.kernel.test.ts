// Address plan, all in namespaces of this file's own:
//
//   client     10.99.0.1      outside; eth0 to the host
//   host       10.99.0.11     the node; 172.18.0.1 on docker_gwbridge, FORWARD policy DROP as with Docker
//   neighbour  172.18.0.3     a container on docker_gwbridge
//   sandbox    172.18.0.2     ingress_sbox on docker_gwbridge; 10.0.0.2 on the overlay
//   balancer   10.0.0.4       the overlay's own sandbox, with virtual IPs 10.0.0.1xx
//   task5..7   10.0.0.5..7    tasks on the overlay, TCP and UDP on port 80; no route back but to the sandbox
//
// Every test publishes ports of its own, so that no connection tracked for one meets another.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Difference, difference } from '../rules/difference.ts';
import { type Balancer, type HostRules, type PortKey, showTarget, vipKey } from '../rules/rules.ts';
import { eachByItself, hostOf, ingressOf, ipv4, target, targets, wished } from '../rules/sample.ts';
import type { Stale } from '../rules/stale.ts';
import type { Kernel, NetworkSandbox, RulesOf } from './kernel.ts';
import { type Lab, openLab, type Peer } from './lab.ts';
import type { PeerAnswer } from './lab-peer.ts';
import { createLinuxKernel } from './linux.ts';

/** In the lab, whose kernel has IPVS, it is run with that too. */
const balancer: Balancer = process.env.FAIRWAY_BALANCER === 'ipvs' ? 'ipvs' : 'nftables';

let lab: Lab;
let kernel: Kernel;
let client: Peer;
let node: Peer;
let neighbour: Peer;

beforeAll(async () => {
  lab = await openLab('traffic');
  kernel = createLinuxKernel({ netnsDir: lab.netnsDir, hostNamespace: lab.hostNamespace, balancer });
  for (const sandbox of ['ingress', lab.networkSandbox] as const) await kernel.ensureSettings(sandbox);
  await kernel.ensureHost();
  [client, node, neighbour] = await Promise.all([lab.peer('client'), lab.peer('host'), lab.peer('neighbour')]);
  for (const place of ['task5', 'task6', 'task7'] as const) {
    const task = await lab.peer(place);
    for (const carrier of ['tcp', 'udp'] as const)
      expect(await task.ask({ do: 'listen', carrier, port: 80, name: place })).toBe('listening');
  }
});
afterAll(() => lab?.close());

/** Brings both namespaces to these ports and no others, as the executor does. */
async function publish(
  ports: Parameters<typeof ingressOf>[0],
): Promise<{ host: Difference<HostRules>; ingress: Difference<RulesOf<'ingress'>> }> {
  const wish = { ingress: ingressOf(ports), host: hostOf(...(Object.keys(ports) as PortKey[])) };
  const ingress = difference<RulesOf<'ingress'>>(await kernel.read('ingress'), wish.ingress, true, balancer);
  if (ingress.transaction) await kernel.apply('ingress', ingress.transaction);
  await kernel.forget('ingress', ingress.stale);
  const host = difference(await kernel.read('host'), wish.host, true);
  if (host.transaction) await kernel.apply('host', host.transaction);
  await kernel.forget('host', host.stale);
  return { host, ingress };
}

const nodeAddress = '10.99.0.11';
type Call = { carrier?: 'tcp' | 'udp'; host?: string; times?: number; atOnce?: number };
const call = (peer: Peer, ports: number[], { carrier = 'tcp', host = nodeAddress, times = 1, atOnce = 1 }: Call = {}) =>
  peer.ask({ do: 'call', carrier, host, ports, times, atOnce });
const served = (answer: PeerAnswer, port: number) => Object.keys(answer.calls[port] ?? {}).sort();

/** All that came of calls that went on while something was done. */
async function callWhile(peers: readonly Peer[], ports: number[], doing: () => Promise<void>): Promise<string[]> {
  const seen = new Set<string>();
  let done = false;
  const calling = peers.map(async (peer) => {
    while (!done) {
      const { calls } = await call(peer, ports, { times: 200, atOnce: 4 });
      for (const answer of Object.values(calls).flatMap((answers) => Object.keys(answers))) seen.add(answer);
    }
  });
  await doing().finally(() => {
    done = true;
  });
  await Promise.all(calling);
  return [...seen].sort();
}

describe('a published port answers', () => {
  beforeAll(() => publish({ 'tcp . 8000': targets(5), 'udp . 8000': targets(6) }).then(() => {}));

  test.each([
    ['from outside', () => client, nodeAddress],
    ['on the node, at its own address', () => node, nodeAddress],
    ['on the node, at 127.0.0.1', () => node, '127.0.0.1'],
    ['on the node, at the bridge', () => node, '172.18.0.1'],
    ['to a container of the node, at the node', () => neighbour, nodeAddress],
    ['to a container of the node, at the bridge', () => neighbour, '172.18.0.1'],
  ])('%s, and the same number over UDP by another service', async (_, peer, host) => {
    expect(served(await call(peer(), [8000], { host, times: 3 }), 8000)).toEqual(['task5']);
    expect(served(await call(peer(), [8000], { host, times: 3, carrier: 'udp' }), 8000)).toEqual(['task6']);
  });
});

describe('shares are even', () => {
  const even = (answer: PeerAnswer, port: number) => {
    const shares = answer.calls[port] ?? {};
    expect(Object.keys(shares).sort()).toEqual(['task5', 'task6', 'task7']);
    for (const share of Object.values(shares)) {
      expect(share).toBeGreaterThan(880);
      expect(share).toBeLessThan(1120);
    }
  };

  test('over 3,000 connections to 3 tasks', async () => {
    await publish({ 'tcp . 8010': targets(5, 6, 7) });
    even(await call(client, [8010], { times: 3_000, atOnce: 8 }), 8010);
  });

  // With `numgen inc`, whose counter they share, each of these would always meet one and the same task.
  test('with two services of two tasks called in strict alternation', async () => {
    await publish({ 'tcp . 8013': targets(5, 6), 'tcp . 8014': targets(5, 6) });
    const { calls } = await call(client, [8013, 8014], { times: 4_000 });
    for (const share of Object.values(calls).flatMap((shares) => Object.values(shares))) {
      expect(share).toBeGreaterThan(880);
      expect(share).toBeLessThan(1120);
    }
  });

  test('with two services of three tasks called in strict alternation', async () => {
    await publish({ 'tcp . 8011': targets(5, 6, 7), 'tcp . 8012': targets(7, 6, 5) });
    const answer = await call(client, [8011, 8012], { times: 6_000 });
    even(answer, 8011);
    even(answer, 8012);
  });
});

describe('a port without endpoints is refused at once', () => {
  beforeAll(async () => {
    // As dockerd does for every published port: it accepts and never answers.
    const listener = await lab.peer('host');
    for (const port of [8020, 8021]) await listener.ask({ do: 'listen', carrier: 'tcp', port, name: 'dockerd' });
    await publish({ 'tcp . 8020': [], 'udp . 8020': [], 'tcp . 8021': targets(5) });
  });

  test.each([
    ['from outside', () => client, nodeAddress],
    ['on the node, at its own address', () => node, nodeAddress],
    ['on the node, at 127.0.0.1', () => node, '127.0.0.1'],
    ['to a container of the node', () => neighbour, nodeAddress],
  ])('%s, also while another process listens there', async (_, peer, host) => {
    const tcp = await call(peer(), [8020], { host, times: 3 });
    expect(served(tcp, 8020)).toEqual(['ECONNREFUSED']);
    expect(tcp.slowestMs).toBeLessThan(200);
    const udp = await call(peer(), [8020], { host, carrier: 'udp' });
    expect(served(udp, 8020)).toEqual(['ECONNREFUSED']);
    expect(udp.slowestMs).toBeLessThan(200);
  });

  test('on the node at ::1, served or not, so that clients of localhost go on to 127.0.0.1', async () => {
    const answer = await call(node, [8020, 8021], { host: '::1', times: 2 });
    expect([served(answer, 8020), served(answer, 8021)]).toEqual([['ECONNREFUSED'], ['ECONNREFUSED']]);
    const other = await call(node, [8021], { host: 'localhost' });
    expect(served(other, 8021)).toEqual(['task5']);
  });

  test('a port that is not published is the other process’s own', async () => {
    await publish({ 'tcp . 8021': targets(5) });
    expect(served(await call(client, [8020]), 8020)).toEqual(['dockerd']);
  });
});

describe('a change', () => {
  test('of another port’s and of its own endpoints leaves connections alone, 200 times', async () => {
    const before = await publish({ 'tcp . 8030': targets(5), 'tcp . 8031': targets(6) });
    expect(await client.ask({ do: 'hold', host: nodeAddress, port: 8030 })).toBe('task5');
    let rules = before.ingress.rules;
    const answers = await callWhile([node, neighbour], [8030, 8031], async () => {
      for (let turn = 0; turn < 200; turn += 1) {
        const wish = ingressOf({
          'tcp . 8030': turn % 2 ? targets(5) : targets(6, 5, 7),
          'tcp . 8031': turn % 3 ? targets(6) : targets(7, 6),
        });
        const { transaction, rules: after } = difference<RulesOf<'ingress'>>(
          { rules, layout: 2, foreign: [] },
          wish,
          true,
        );
        if (transaction) await kernel.apply('ingress', transaction);
        rules = after;
      }
    });
    expect(answers).toEqual(['task5', 'task6', 'task7']);
    expect(await client.ask({ do: 'use' })).toBe('task5');
  });

  test('is as large as what changes, whatever else there is', async () => {
    const ports = Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`tcp . ${20_000 + at}`, targets(5, 6, 7)]),
    );
    await publish({ ...ports, 'tcp . 8040': targets(5, 6, 7) });
    const { host, ingress } = await publish({ ...ports, 'tcp . 8040': targets(5, 7) });
    expect(host.transaction).toBeUndefined();
    // The service and two slots, and the chain for two.
    expect(ingress.transaction?.changes).toEqual({ added: 3, removed: 3 });
    await publish({ 'tcp . 8040': targets(5) });
  });

  test('that builds a foreign table anew fails no connection, 30 times', async () => {
    await publish({ 'tcp . 8041': targets(5, 6) });
    const answers = await callWhile([client, node], [8041], async () => {
      for (let turn = 0; turn < 30; turn += 1) {
        await lab.run('sandbox', 'nft add chain inet fairway by-hand');
        await lab.run('host', 'nft insert rule inet fairway postrouting counter');
        const { host, ingress } = await publish({ 'tcp . 8041': targets(5, 6) });
        expect([host.rebuilt, ingress.rebuilt]).toEqual(['foreign', 'foreign']);
      }
    });
    expect(answers).toEqual(['task5', 'task6']);
  });
});

describe('a UDP client that always sends from the same port', () => {
  test('leaves a lost endpoint', async () => {
    const stays = await lab.peer('client');
    const send = () => stays.ask({ do: 'send', host: nodeAddress, port: 8050 });
    await publish({ 'udp . 8050': targets(5) });
    expect(await send()).toBe('task5');
    const { ingress } = await publish({ 'udp . 8050': targets(6) });
    expect(ingress.stale).toEqual([{ kind: 'backend', carrier: 'udp', target: target(5) }]);
    expect(await send()).toBe('task6');
  });

  test('finds an endpoint that comes after it was refused', async () => {
    const stays = await lab.peer('client');
    const send = () => stays.ask({ do: 'send', host: nodeAddress, port: 8051 });
    await publish({ 'udp . 8051': [] });
    expect(await send()).toBe('ECONNREFUSED');
    await publish({ 'udp . 8051': targets(6) });
    expect(await send()).toBe('task6');
  });

  test('finds a port that was published after another process had answered', async () => {
    const other = await lab.peer('host');
    await other.ask({ do: 'listen', carrier: 'udp', port: 8052, name: 'other' });
    const stays = await lab.peer('client');
    const send = () => stays.ask({ do: 'send', host: nodeAddress, port: 8052 });
    expect(await send()).toBe('other');
    await publish({ 'udp . 8052': targets(6) });
    expect(await send()).toBe('task6');
    await publish({});
    expect(await send()).toBe('other');
  });
});

describe('datagrams that go each by itself', () => {
  /** How many of 90 met each task, all from one socket; with 1 in 2 of them a task is missed once in 10^14. */
  const spread = async (peer: Peer, port: number, from?: number) => {
    const answers = await peer.ask({ do: 'send', host: nodeAddress, port, times: 90, ...(from ? { from } : {}) });
    return Object.fromEntries([...Map.groupBy(answers.split(' '), (answer) => answer)].map(([k, v]) => [k, v.length]));
  };
  const met = async (peer: Peer, port: number, from?: number) => Object.keys(await spread(peer, port, from)).sort();

  test('meet every task evenly from one socket, and are answered from the service’s own address', async () => {
    await publish({ 'udp . 8070': eachByItself(targets(5, 6, 7)), 'tcp . 8070': eachByItself(targets(5, 6)) });
    const shares = await spread(await lab.peer('client'), 8070);
    expect(Object.keys(shares).sort()).toEqual(['task5', 'task6', 'task7']);
    for (const share of Object.values(shares)) expect(share).toBeGreaterThan(9);
    expect(served(await call(client, [8070], { times: 60, atOnce: 4 }), 8070)).toEqual(['task5', 'task6']);
  });

  test.each([
    ['whose port is the published one’s own number', () => 'client' as const, nodeAddress, 8071],
    ['on the node', () => 'host' as const, '127.0.0.1', undefined],
    ['in a container of the node', () => 'neighbour' as const, nodeAddress, undefined],
  ])('are answered to a client %s', async (_, place, host, from) => {
    await publish({ 'udp . 8071': eachByItself(targets(5, 6, 7)) });
    const peer = await lab.peer(place());
    const answers = await peer.ask({ do: 'send', host, port: 8071, times: 90, ...(from ? { from } : {}) });
    expect([...new Set(answers.split(' '))].sort()).toEqual(['task5', 'task6', 'task7']);
  });

  test('meet a task that comes, and leave one that goes, from a socket that never pauses', async () => {
    const stays = await lab.peer('client');
    for (const lasts of [[5, 6], [5, 6, 7], [5, 7], [7, 5, 6], [6]]) {
      await publish({ 'udp . 8072': eachByItself(targets(...lasts)) });
      expect(await met(stays, 8072)).toEqual(lasts.map((last) => `task${last}`).sort());
    }
  });

  test('begin and end to do so under a socket that never pauses', async () => {
    const stays = await lab.peer('client');
    for (const turn of [1, 2]) {
      await publish({ 'udp . 8073': targets(5, 6, 7) });
      expect([turn, await met(stays, 8073)]).toEqual([turn, [expect.any(String)]]);
      await publish({ 'udp . 8073': eachByItself(turn === 1 ? targets(5, 6, 7) : targets(7, 5)) });
      expect([turn, (await met(stays, 8073)).length]).toEqual([turn, turn === 1 ? 3 : 2]);
    }
  });

  test('without a task are refused, and meet the one that comes', async () => {
    const stays = await lab.peer('client');
    await publish({ 'udp . 8074': eachByItself([]) });
    expect(await stays.ask({ do: 'send', host: nodeAddress, port: 8074 })).toBe('ECONNREFUSED');
    await publish({ 'udp . 8074': eachByItself(targets(6)) });
    expect(await met(stays, 8074)).toEqual(['task6']);
  });

  test('are neither refused nor lost while that and their tasks change, 100 times', async () => {
    let { rules } = (await publish({ 'udp . 8075': eachByItself(targets(5, 6)) })).ingress;
    const wishes = [eachByItself(targets(5, 6, 7)), targets(5, 6), eachByItself(targets(5, 6)), targets(5, 6, 7)];
    let done = false;
    const seen = new Set<string>();
    const calling = (async () => {
      while (!done) {
        const { calls } = await call(client, [8075], { carrier: 'udp', times: 200, atOnce: 4 });
        for (const answer of Object.keys(calls[8075] ?? {})) seen.add(answer);
      }
    })();
    for (let turn = 0; turn < 100; turn += 1) {
      const wish = ingressOf({ 'udp . 8075': wishes[turn % wishes.length] ?? [] });
      const step = difference<RulesOf<'ingress'>>({ rules, layout: 2, foreign: [] }, wish, true, balancer);
      if (step.transaction) await kernel.apply('ingress', step.transaction);
      rules = step.rules;
    }
    done = true;
    await calling;
    expect([...seen].sort()).toEqual(['task5', 'task6', 'task7']);
  });
});

test('a TCP client whose endpoint vanished is told so once its connection is forgotten', async () => {
  await publish({ 'tcp . 8060': targets(5) });
  expect(await client.ask({ do: 'hold', host: nodeAddress, port: 8060 })).toBe('task5');
  await lab.run('overlay', 'ip link set task5 down');
  try {
    await publish({ 'tcp . 8060': targets(6) });
    expect(await client.ask({ do: 'use' })).toBe('ECONNRESET');
  } finally {
    await lab.run('overlay', 'ip link set task5 up');
  }
});

describe('a virtual IP', () => {
  const tasks = new Map<string, Peer>();
  const vip = (last: number) => ipv4(`10.0.0.${last}`);
  const bring = async (
    vips: { readonly [last: number]: readonly number[] },
    {
      wishing = wished,
      draining = [],
    }: { readonly wishing?: typeof wished; readonly draining?: readonly number[] } = {},
  ) => {
    const at = (lasts: readonly number[]) => lasts.map((task) => ({ address: vip(task) }));
    const services = Object.entries(vips).map(
      ([last, lasts]) => [vipKey(vip(Number(last))), { ...wishing(at(lasts)), draining: at(draining) }] as const,
    );
    const wish = { kind: 'network', services: new Map(services) } as const;
    const { transaction, stale } = difference<RulesOf<NetworkSandbox>>(
      await kernel.read(lab.networkSandbox),
      wish,
      true,
      balancer,
    );
    if (transaction) await kernel.apply(lab.networkSandbox, transaction);
    const keeps = new Set(at(draining).map(showTarget));
    const isKept = (one: Stale) => one.kind === 'backend' && one.carrier === 'tcp' && keeps.has(showTarget(one.target));
    await kernel.forget(
      lab.networkSandbox,
      stale.filter((one) => !isKept(one)),
    );
  };
  const calls = (from: string, last: number, more: Call = {}) =>
    call(tasks.get(from) as Peer, [80], { host: vip(last).text, ...more });
  beforeAll(async () => {
    await kernel.ensureSettings(lab.networkSandbox);
    for (const place of ['task5', 'task6'] as const) tasks.set(place, await lab.peer(place));
  });

  test.each(['tcp', 'udp'] as const)(
    'spreads over its tasks on any port, the caller among them: %s',
    async (carrier) => {
      await bring({ 100: [5, 6, 7], 101: [6] });
      const { calls: answers } = await calls('task5', 100, { carrier, times: 300, atOnce: 4 });
      const shares = answers[80] ?? {};
      expect(Object.keys(shares).sort()).toEqual(['task5', 'task6', 'task7']);
      for (const share of Object.values(shares)) expect(share).toBeGreaterThan(60);
      expect(served(await calls('task6', 101, { carrier }), 80)).toEqual(['task6']);
    },
  );

  test('without a task refuses at once', async () => {
    await bring({ 102: [] });
    for (const carrier of ['tcp', 'udp'] as const) {
      const answer = await calls('task5', 102, { carrier });
      expect([carrier, ...served(answer, 80)]).toEqual([carrier, 'ECONNREFUSED']);
      expect(answer.slowestMs).toBeLessThan(900);
    }
  });

  test('that goes is answered for no more', async () => {
    await bring({ 103: [5], 104: [6] });
    expect(served(await calls('task6', 103), 80)).toEqual(['task5']);
    await bring({ 104: [6] });
    expect(served(await calls('task6', 103), 80)).not.toEqual(['task5']);
    expect(await lab.run('balancer', 'ip -4 route show table local dev eth0')).not.toContain(vip(103).text);
  });

  test('that goes and comes again is found by a UDP client that went on sending from the same port', async () => {
    const stays = await lab.peer('task6');
    const send = () => stays.ask({ do: 'send', host: vip(106).text, port: 80 });
    await bring({ 106: [5] });
    expect(await send()).toBe('task5');
    await bring({});
    // The client still has the sandbox's MAC address for it.
    expect(await send()).not.toBe('task5');
    await bring({ 106: [7] });
    expect(await send()).toBe('task7');
  });

  test('sends datagrams each to a task by itself where asked, the sender’s own among them', async () => {
    const stays = await lab.peer('task6');
    const met = async () => {
      const answers = await stays.ask({ do: 'send', host: vip(107).text, port: 80, times: 90 });
      return [...new Set(answers.split(' '))].sort();
    };
    for (const lasts of [
      [5, 6],
      [5, 6, 7],
      [5, 7],
      [7, 5, 6],
    ]) {
      await bring({ 107: lasts }, { wishing: eachByItself });
      expect(await met()).toEqual(lasts.map((last) => `task${last}`).sort());
    }
    expect(served(await calls('task5', 107, { times: 60 }), 80)).toEqual(['task5', 'task6', 'task7']);
    await bring({ 107: [5, 6, 7] });
    expect(await met()).toHaveLength(1);
  });

  test('whose task drains lets it keep the connection that it has, and gives it no other', async () => {
    const caller = tasks.get('task5') as Peer;
    await bring({ 108: [6] });
    expect(await caller.ask({ do: 'hold', host: vip(108).text, port: 80 })).toBe('task6');
    await bring({ 108: [7] }, { draining: [6] });
    expect(served(await calls('task5', 108, { times: 20 }), 80)).toEqual(['task7']);
    expect(await caller.ask({ do: 'use' })).toBe('task6');
  });

  test('whose tasks drain, go and come again while its clients call is never met without one', async () => {
    await bring({ 105: [5] });
    const seen = new Set<string>();
    let done = false;
    const calling = (async () => {
      while (!done) {
        const { calls: answers } = await calls('task5', 105, { times: 100, atOnce: 4 });
        for (const answer of Object.keys(answers[80] ?? {})) seen.add(answer);
      }
    })();
    const [one, other] = [[6], [5, 7]];
    // IPVS is tried on an emulated machine, where each takes half a second.
    const turns = balancer === 'ipvs' ? 6 : 20;
    for (let turn = 0; turn < turns; turn += 1) {
      await bring({ 105: one }, { draining: other });
      await bring({ 105: other }, { draining: one });
    }
    done = true;
    await calling;
    expect([...seen].sort()).toEqual(['task5', 'task6', 'task7']);
  });
});
