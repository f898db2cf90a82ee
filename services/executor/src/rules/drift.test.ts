import { describe, expect, test } from 'vitest';
import { difference } from './difference.ts';
import { driftBetween } from './drift.ts';
import { layoutVersion } from './layout.ts';
import type { Balancer, Found, IngressRules, IpvsIngressRules, NetworkRules, Rules, WishFor } from './rules.ts';
import { hostOf, ingressOf, ipv4, networkOf, targets, wished } from './sample.ts';

function found<R extends Rules>(rules: R, more: Partial<Found<R>> = {}): Found<R> {
  return { rules, layout: layoutVersion, foreign: [], ...more };
}

function left<R extends Rules>(wish: WishFor<R>, balancer: Balancer = 'nftables'): Found<R> {
  return found(difference<R>(undefined, wish, true, balancer).rules);
}

describe('what others did to a namespace is told', () => {
  test('not at all where it is as it was left', () => {
    expect(driftBetween(undefined, undefined)).toEqual([]);
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6) });
    expect(driftBetween(left<IngressRules>(wish), left<IngressRules>(wish))).toEqual([]);
  });

  test('a table that is gone, without all that was in it, and one that somebody made', () => {
    const host = found(hostOf('tcp . 8000', 'udp . 53'));
    expect(driftBetween(host, undefined)).toEqual(['the table is missing']);
    expect(driftBetween(undefined, host)).toEqual(['there is a table, and was none']);
  });

  test('elements that are missing, changed, or of somebody else', () => {
    const before = left<IngressRules>(ingressOf({ 'tcp . 8000': targets(5, 6), 'tcp . 8001': [] }));
    const slots = new Map([
      ...before.rules.slots,
      ['tcp . 8000 . 1', { address: ipv4('10.0.0.66'), port: 80 }],
    ] as const);
    const services = new Map([['tcp . 8000', 2] as const, ['udp . 53', 0] as const]);
    expect(driftBetween(before, found({ ...before.rules, slots, services }))).toEqual([
      'map tcp-slots has tcp . 8000 . 1 : 10.0.0.66:80, not 10.0.0.6:80',
      'map services lacks tcp . 8001 : goto refuse',
      "map services has udp . 53 : goto refuse, which is not Fairway's",
    ]);
  });

  test('rules and chains, once', () => {
    const before = left<IngressRules>(ingressOf({ 'tcp . 8000': targets(5) }));
    const spreads = new Set([...before.rules.spreads, 'tcp-9'] as const);
    const held = { ...before, foreign: ['map services has 7'] };
    const now = found({ ...before.rules, spreads }, { foreign: ['map services has 7', 'chain refuse has accept'] });
    expect(driftBetween(held, now)).toEqual(["chain spread-tcp-9 is not Fairway's", 'chain refuse has accept']);
  });

  test('virtual IPs that the sandbox does not answer for', () => {
    const before = left<NetworkRules>(networkOf({ 100: [5], 101: [6] }));
    expect(driftBetween(before, found({ ...before.rules, vips: new Set(['ip . 10.0.1.100'] as const) }))).toEqual([
      'the sandbox lacks the virtual IP 10.0.1.101',
    ]);
    // They are no part of the table.
    const vips = new Set<never>();
    const gone = found({ ...before.rules, vips }, { missing: true });
    expect(driftBetween(before, gone)).toEqual([
      'the table is missing',
      'the sandbox lacks the virtual IP 10.0.1.100',
      'the sandbox lacks the virtual IP 10.0.1.101',
    ]);
  });

  test('virtual services, and destinations of one that is there', () => {
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6), 'tcp . 8001': wished(targets(5)) });
    const before = left<IpvsIngressRules>(wish, 'ipvs');
    const [first, second] = [...before.rules.virtual];
    if (!first || !second) throw new Error('no virtual services');
    const destinations = new Map([...first[1].destinations].slice(1).map(([key, one]) => [key, { ...one, weight: 7 }]));
    const virtual = new Map([[first[0], { scheduler: 'wlc', destinations } as const]]);
    expect(driftBetween(before, found({ ...before.rules, virtual }))).toEqual([
      'IPVS has tcp . 172.18.0.2 . 8000 : wlc, not rr',
      'IPVS lacks tcp . 172.18.0.2 . 8001 : rr',
      'IPVS lacks tcp . 172.18.0.2 . 8000 > 10.0.0.5:80 : weight 1',
      'IPVS has tcp . 172.18.0.2 . 8000 > 10.0.0.6:80 : weight 7, not weight 1',
    ]);
  });
});
