// Address plan: the sandbox is 172.18.0.2 on docker_gwbridge; tasks are 10.0.0.5 and up on the ingress network.
import { describe, expect, test } from 'vitest';
import { difference, removal } from './difference.ts';
import { render, renderRoutes } from './render.ts';
import { renderVirtual } from './render-virtual.ts';
import type { Found, IngressRules, IngressWish, IpvsIngressRules, NetworkRules, NetworkWish, Rules } from './rules.ts';
import { eachByItself, hostOf, ingressOf, ipv4, networkOf, target, targets } from './sample.ts';

const found = <R extends Rules>(rules: R): Found<R> => ({ rules, layout: 2, foreign: [] });

/** The rules after a first application of the wish. */
const settled = (wish: IngressWish) => difference<IngressRules>(undefined, wish, true).rules;

const change = (before: IngressWish, after: IngressWish, prune = true) => {
  const result = difference<IngressRules>(found(settled(before)), after, prune);
  return { ...result, text: result.transaction ? render(result.transaction) : '' };
};

describe('first application', () => {
  test('ingress', async () => {
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6, 7), 'udp . 8000': targets(8), 'tcp . 9000': [] });
    const { transaction, rebuilt } = difference<IngressRules>(undefined, wish, false);
    expect(rebuilt).toBe('missing');
    await expect(transaction && render(transaction)).toMatchFileSnapshot('golden/first-ingress.nft');
  });

  test('host', async () => {
    const { transaction } = difference(undefined, hostOf('tcp . 8000', 'udp . 8000'), false);
    await expect(transaction && render(transaction)).toMatchFileSnapshot('golden/first-host.nft');
  });

  test('the sandbox of an overlay network', async () => {
    const { transaction } = difference<NetworkRules>(undefined, networkOf({ 100: [5, 6], 101: [] }), false);
    await expect(transaction && render(transaction) + renderRoutes(transaction)).toMatchFileSnapshot(
      'golden/first-network.nft',
    );
  });

  test('an empty wish still builds the table', () => {
    expect(difference(undefined, hostOf(), true).transaction?.operations).toEqual([{ do: 'add table', kind: 'host' }]);
  });
});

describe('a change is as large as what changed', () => {
  const other = { 'tcp . 9000': targets(20, 21, 22) };

  test('nothing', () => {
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6), ...other });
    expect(change(wish, wish)).toMatchObject({ transaction: undefined, stale: [], rebuilt: undefined });
  });

  test('an endpoint more, of a number that another port has: no chain comes', () => {
    const { text, transaction } = change(
      ingressOf({ 'tcp . 8000': targets(5, 6), ...other }),
      ingressOf({ 'tcp . 8000': targets(5, 6, 7), ...other }),
    );
    expect(text).toMatchInlineSnapshot(`
      "delete element inet fairway services { tcp . 8000 }
      add element inet fairway services { tcp . 8000 : jump spread-tcp-3 }
      add element inet fairway tcp-slots { 8000 . 2 : 10.0.0.7 . 80 }
      delete chain inet fairway spread-tcp-2
      "
    `);
    expect(transaction?.changes).toEqual({ added: 2, removed: 2 });
  });

  test('an endpoint less: the last one moves into the hole, a chain comes and the unused one goes', () => {
    const { text, stale } = change(
      ingressOf({ 'tcp . 8000': targets(5, 6, 7, 8) }),
      ingressOf({ 'tcp . 8000': targets(5, 7, 8) }),
    );
    expect(text).toMatchInlineSnapshot(`
      "add chain inet fairway spread-tcp-3
      add rule inet fairway spread-tcp-3 dnat ip to tcp dport . numgen random mod 3 map @tcp-slots
      delete element inet fairway services { tcp . 8000 }
      delete element inet fairway tcp-slots {
      	8000 . 1,
      	8000 . 3
      }
      add element inet fairway services { tcp . 8000 : jump spread-tcp-3 }
      add element inet fairway tcp-slots { 8000 . 1 : 10.0.0.8 . 80 }
      delete chain inet fairway spread-tcp-4
      "
    `);
    expect(stale).toEqual([{ kind: 'backend', carrier: 'tcp', target: target(6) }]);
  });

  test('the last endpoint: refused from now on', () => {
    const { text } = change(ingressOf({ 'tcp . 8000': targets(5) }), ingressOf({ 'tcp . 8000': [] }));
    expect(text).toMatchInlineSnapshot(`
      "delete element inet fairway services { tcp . 8000 }
      delete element inet fairway tcp-slots { 8000 . 0 }
      add element inet fairway services { tcp . 8000 : goto refuse }
      delete chain inet fairway spread-tcp-1
      "
    `);
  });

  test('a port more on the host', () => {
    const { transaction } = difference(found(hostOf('tcp . 8000')), hostOf('tcp . 8000', 'udp . 53'), true);
    expect(transaction && render(transaction)).toMatchInlineSnapshot(`
      "add element inet fairway ports { udp . 53 : 172.18.0.2 }
      add element inet fairway refused { udp . 53 : goto refuse }
      "
    `);
  });

  test('the sandbox has another address', () => {
    const moved = difference(found(hostOf('tcp . 8000')), hostOf({ gateway: ipv4('172.18.0.9') }, 'tcp . 8000'), true);
    expect(moved.transaction && render(moved.transaction)).toMatchInlineSnapshot(`
      "delete element inet fairway ports { tcp . 8000 }
      delete element inet fairway refused { tcp . 8000 }
      add element inet fairway ports { tcp . 8000 : 172.18.0.9 }
      add element inet fairway refused { tcp . 8000 : goto refuse }
      "
    `);
  });

  test('the UDP connections to the address that the sandbox had are stale', () => {
    const before = hostOf('tcp . 8000', 'udp . 53');
    const moved = difference(found(before), hostOf({ gateway: ipv4('172.18.0.9') }, 'tcp . 8000', 'udp . 53'), true);
    expect(moved.stale).toEqual([{ kind: 'published', carrier: 'udp', port: 53 }]);
  });
});

describe("in a network's sandbox", () => {
  const settledNetwork = (wish: NetworkWish) => difference<NetworkRules>(undefined, wish, true).rules;
  const changed = (before: NetworkWish, after: NetworkWish, prune = true) =>
    difference<NetworkRules>(found(settledNetwork(before)), after, prune);

  test('a virtual IP that goes takes its route along, and leaves the others alone', () => {
    const { transaction, stale } = changed(networkOf({ 100: [5], 101: [6] }), networkOf({ 101: [6] }));
    expect(transaction && render(transaction)).toMatchInlineSnapshot(`
      "delete element inet fairway services { 10.0.1.100 }
      delete element inet fairway ip-slots { 10.0.1.100 . 0 }
      "
    `);
    expect(transaction && renderRoutes(transaction)).toMatchInlineSnapshot(`
      "route del local 10.0.1.100/32 dev eth0 table local proto 77
      "
    `);
    const lost = { address: ipv4('10.0.1.5') };
    expect(stale).toEqual([
      { kind: 'backend', carrier: 'tcp', target: lost },
      { kind: 'backend', carrier: 'udp', target: lost },
    ]);
  });

  test('without prune virtual IPs and their routes stay', () => {
    const { transaction, rules } = changed(networkOf({ 100: [5] }), networkOf({ 101: [6] }), false);
    expect(transaction && renderRoutes(transaction)).toBe(
      'route append local 10.0.1.101/32 dev eth0 table local proto 77\n',
    );
    expect(rules.vips).toEqual(new Set(['ip . 10.0.1.100', 'ip . 10.0.1.101']));
  });

  test('a route that is missing is added again, and nothing else is touched', () => {
    const torn = { ...settledNetwork(networkOf({ 100: [5] })), vips: new Set<never>() };
    const { transaction } = difference<NetworkRules>(found(torn), networkOf({ 100: [5] }), true);
    expect(transaction && render(transaction)).toBe('');
    expect(transaction && renderRoutes(transaction)).toBe(
      'route append local 10.0.1.100/32 dev eth0 table local proto 77\n',
    );
  });
});

describe('without prune', () => {
  test('ports stay, and endpoints are those of kernel and plan together', () => {
    const before = ingressOf({ 'tcp . 8000': targets(5, 6), 'tcp . 9000': targets(20), 'udp . 53': [] });
    const { rules, stale } = change(before, ingressOf({ 'tcp . 8000': targets(7) }), false);
    expect(rules.services).toEqual(
      new Map([
        ['tcp . 8000', 3],
        ['tcp . 9000', 1],
        ['udp . 53', 0],
      ]),
    );
    expect(rules.slots.get('tcp . 8000 . 2')).toEqual(target(7));
    expect(stale).toEqual([]);
  });

  test('the host keeps its ports', () => {
    expect(difference(found(hostOf('tcp . 8000')), hostOf(), false).transaction).toBeUndefined();
  });

  test('a table of another layout is left alone until there is a complete listing', () => {
    const newer: Found<Rules> = { rules: hostOf(), layout: 3, foreign: ['the table has layout 3, not 2'] };
    expect(difference(newer, hostOf('tcp . 8000'), false).transaction).toBeUndefined();
    expect(difference(newer, hostOf('tcp . 8000'), true).transaction?.operations[0]).toEqual({ do: 'delete table' });
  });
});

test('a foreign table is built anew in one transaction, and slots are kept', () => {
  const rules = settled(ingressOf({ 'tcp . 8000': targets(5, 6, 7) }));
  const torn: Found<IngressRules> = { rules, layout: 2, foreign: ['chain refuse is missing'] };
  const again = difference(torn, ingressOf({ 'tcp . 8000': targets(7, 6) }), true);
  expect(again.rebuilt).toBe('foreign');
  expect(again.transaction?.operations.slice(0, 2)).toEqual([
    { do: 'delete table' },
    { do: 'add table', kind: 'ingress' },
  ]);
  expect(again.rules.slots).toEqual(
    new Map([
      ['tcp . 8000 . 0', target(7)],
      ['tcp . 8000 . 1', target(6)],
    ]),
  );
});

test('what the kernel lost or has doubly is put right', () => {
  const wish = ingressOf({ 'tcp . 8000': targets(5, 6, 7) });
  const torn = settled(wish);
  const without: IngressRules = {
    ...torn,
    slots: new Map([...torn.slots].filter(([key]) => key !== 'tcp . 8000 . 1').concat([['tcp . 1 . 4', target(9)]])),
    spreads: new Set(['tcp-3', 'udp-2']),
  };
  const { transaction } = difference(found(without), wish, true);
  expect(transaction && render(transaction)).toMatchInlineSnapshot(`
    "delete element inet fairway tcp-slots { 1 . 4 }
    add element inet fairway tcp-slots { 8000 . 1 : 10.0.0.6 . 80 }
    delete chain inet fairway spread-udp-2
    "
  `);
});

describe('stale connections', () => {
  test('an endpoint that still serves another port is not lost', () => {
    const { stale } = change(
      ingressOf({ 'tcp . 8000': targets(5), 'tcp . 8001': targets(5) }),
      ingressOf({ 'tcp . 8001': targets(5) }),
    );
    expect(stale).toEqual([]);
  });

  test('the same target over UDP is another endpoint than over TCP', () => {
    const { stale } = change(
      ingressOf({ 'tcp . 53': targets(5), 'udp . 53': targets(5) }),
      ingressOf({ 'tcp . 53': targets(5), 'udp . 53': [] }),
    );
    expect(stale).toEqual([{ kind: 'backend', carrier: 'udp', target: target(5) }]);
  });

  test('UDP ports published and withdrawn, on the host too', () => {
    expect(difference(found(hostOf('udp . 53', 'tcp . 80')), hostOf('udp . 54', 'tcp . 81'), true).stale).toEqual([
      { kind: 'published', carrier: 'udp', port: 53 },
      { kind: 'published', carrier: 'udp', port: 54 },
    ]);
  });
});

describe('datagrams that go each by itself', () => {
  const packets = (...lasts: readonly number[]) => ingressOf({ 'udp . 53': eachByItself(targets(...lasts)) });
  const together = (...lasts: readonly number[]) => ingressOf({ 'udp . 53': targets(...lasts) });

  test('first application where IPVS balances, TCP and a port without tasks as ever', async () => {
    const wish = ingressOf({
      'udp . 53': eachByItself(targets(5, 6)),
      'tcp . 53': eachByItself(targets(5, 6)),
      'udp . 54': eachByItself([]),
    });
    const { transaction } = difference<IpvsIngressRules>(undefined, wish, true, 'ipvs');
    await expect(transaction && render(transaction)).toMatchFileSnapshot('golden/first-one-packet-ipvs.nft');
  });

  test('begin and end to do so as an addition to what balances connections', () => {
    const begun = change(together(5, 6), packets(5, 6));
    expect(begun.text).toMatchInlineSnapshot(`
      "add chain inet fairway spread-zone-2
      add rule inet fairway spread-zone-2 ct original zone set numgen random mod 2 offset 1
      add element inet fairway one-packet { 53 : goto spread-zone-2 }
      add element inet fairway zones {
      	53 . 1 : 10.0.0.5 . 80,
      	53 . 2 : 10.0.0.6 . 80
      }
      "
    `);
    expect(begun.stale).toEqual([{ kind: 'published', carrier: 'udp', port: 53 }]);
    const ended = change(packets(5, 6), together(5, 6));
    expect(ended.text).toMatchInlineSnapshot(`
      "delete element inet fairway one-packet { 53 }
      delete element inet fairway zones {
      	53 . 1,
      	53 . 2
      }
      delete chain inet fairway spread-zone-2
      "
    `);
    expect(ended.stale).toEqual([{ kind: 'published', carrier: 'udp', port: 53 }]);
  });

  test('a task more: its zone may have led elsewhere before', () => {
    const { text, stale, transaction } = change(packets(5, 6), packets(5, 6, 7));
    expect(text).toMatchInlineSnapshot(`
      "add chain inet fairway spread-udp-3
      add rule inet fairway spread-udp-3 dnat ip to udp dport . numgen random mod 3 map @udp-slots
      add chain inet fairway spread-zone-3
      add rule inet fairway spread-zone-3 ct original zone set numgen random mod 3 offset 1
      delete element inet fairway one-packet { 53 }
      delete element inet fairway services { udp . 53 }
      add element inet fairway one-packet { 53 : goto spread-zone-3 }
      add element inet fairway services { udp . 53 : jump spread-udp-3 }
      add element inet fairway udp-slots { 53 . 2 : 10.0.0.7 . 80 }
      add element inet fairway zones { 53 . 3 : 10.0.0.7 . 80 }
      delete chain inet fairway spread-udp-2
      delete chain inet fairway spread-zone-2
      "
    `);
    expect(transaction?.changes).toEqual({ added: 6, removed: 4 });
    expect(stale).toEqual([{ kind: 'published', carrier: 'udp', port: 53, zone: 3 }]);
  });

  test('a task less: the last one moves into its zone, and its own is drawn no more', () => {
    const { rules, stale } = change(packets(5, 6, 7), packets(5, 7));
    expect(rules.onePacket).toEqual({
      services: new Map([['udp . 53', 2]]),
      zones: new Map([
        ['udp . 53 . 1', target(5)],
        ['udp . 53 . 2', target(7)],
      ]),
      spreads: new Set(['zone-2']),
    });
    expect(stale).toEqual([
      { kind: 'published', carrier: 'udp', port: 53, zone: 2 },
      { kind: 'backend', carrier: 'udp', target: target(6) },
    ]);
  });

  test('nothing changes where nothing does, and none are left without a task', () => {
    expect(change(packets(5, 6), packets(6, 5))).toMatchObject({ transaction: undefined, stale: [] });
    const { rules } = change(packets(5), packets());
    expect(rules.onePacket).toBeUndefined();
    expect(rules.services).toEqual(new Map([['udp . 53', 0]]));
  });

  test('without prune they go on to do so, to the tasks of kernel and plan', () => {
    const { rules } = change(packets(5, 6), together(7), false);
    expect(rules.onePacket?.services).toEqual(new Map([['udp . 53', 3]]));
    expect(change(packets(5, 6), ingressOf({}), false).transaction).toBeUndefined();
  });

  test('to a virtual IP, on any port', () => {
    const before = difference<NetworkRules>(undefined, networkOf({ 100: [5] }, eachByItself), true).rules;
    const { transaction, stale } = difference(found(before), networkOf({ 100: [5, 6] }, eachByItself), true);
    expect(transaction && render(transaction)).toMatchInlineSnapshot(`
      "add chain inet fairway spread-ip-2
      add rule inet fairway spread-ip-2 dnat ip to ip daddr . numgen random mod 2 map @ip-slots
      add chain inet fairway spread-zone-2
      add rule inet fairway spread-zone-2 ct original zone set numgen random mod 2 offset 1
      delete element inet fairway one-packet { 10.0.1.100 }
      delete element inet fairway services { 10.0.1.100 }
      add element inet fairway one-packet { 10.0.1.100 : goto spread-zone-2 }
      add element inet fairway services { 10.0.1.100 : jump spread-ip-2 }
      add element inet fairway ip-slots { 10.0.1.100 . 1 : 10.0.1.6 }
      add element inet fairway zones { 10.0.1.100 . 2 : 10.0.1.6 }
      delete chain inet fairway spread-ip-1
      delete chain inet fairway spread-zone-1
      "
    `);
    expect(stale).toEqual([{ kind: 'vip', carrier: 'udp', vip: ipv4('10.0.1.100'), zone: 2 }]);
  });

  test('a chain that is left over goes', () => {
    const rules = settled(packets(5));
    const spreads = new Set(['zone-1', 'zone-4'] as const);
    const torn = { ...rules, onePacket: { services: new Map(), zones: new Map(), ...rules.onePacket, spreads } };
    const { transaction } = difference(found(torn), packets(5), true);
    expect(transaction && render(transaction)).toBe('delete chain inet fairway spread-zone-4\n');
  });
});

test('where IPVS balances tasks come before others drain, each of which takes effect by itself', () => {
  const wish = (takes: readonly number[], draining: readonly number[]): IngressWish => {
    const before = ingressOf({ 'tcp . 8000': targets(...takes) });
    const service = before.services.get('tcp . 8000');
    if (!service) throw new Error('no service');
    return { ...before, services: new Map([['tcp . 8000', { ...service, draining: targets(...draining) }]]) };
  };
  const bring = (from: IpvsIngressRules | undefined, to: IngressWish, prune = true) =>
    difference<IpvsIngressRules>(from && found(from), to, prune, 'ipvs');
  const first = bring(undefined, wish([5], [])).rules;
  const second = bring(first, wish([6], [5]));
  expect(second.transaction && renderVirtual(second.transaction).before).toEqual([
    '-a -t 172.18.0.2:8000 -r 10.0.0.6:80 -m -w 1',
    '-e -t 172.18.0.2:8000 -r 10.0.0.5:80 -m -w 0',
  ]);
  const third = bring(second.rules, wish([5], [6]));
  expect(third.transaction && renderVirtual(third.transaction).before).toEqual([
    '-e -t 172.18.0.2:8000 -r 10.0.0.5:80 -m -w 1',
    '-e -t 172.18.0.2:8000 -r 10.0.0.6:80 -m -w 0',
  ]);
  expect(bring(second.rules, wish([], [6]), false).transaction).toBeUndefined();
});

test('removal is that of the table and its routes, and then that of virtual services', () => {
  const { rules, servers } = removal(found(difference<NetworkRules>(undefined, networkOf({ 100: [5] }), true).rules));
  expect(rules && render(rules) + renderRoutes(rules)).toBe(
    'delete table inet fairway\nroute del local 10.0.1.100/32 dev eth0 table local proto 77\n',
  );
  expect(servers).toBeUndefined();
  const onIpvs = removal(
    found(difference<IpvsIngressRules>(undefined, ingressOf({ 'tcp . 8000': targets(5) }), true, 'ipvs').rules),
  );
  expect(onIpvs.rules && renderVirtual(onIpvs.rules).after).toEqual([]);
  expect(onIpvs.servers && renderVirtual(onIpvs.servers).after).toEqual(['-D -t 172.18.0.2:8000']);
});
