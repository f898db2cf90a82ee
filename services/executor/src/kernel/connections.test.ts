import { expect, test } from 'vitest';
import { ipv4, target } from '../rules/sample.ts';
import type { Stale } from '../rules/stale.ts';
import { conntrackFilters, filtersAmong } from './connections.ts';

/** As conntrack-tools 1.4.7 lists them. */
const listed = `udp      17 29 src=172.18.0.1 dst=172.18.0.2 sport=47000 dport=53 src=10.0.0.5 dst=10.0.0.2 sport=80 dport=47000 [ASSURED] mark=0 use=1
tcp      6 431999 ESTABLISHED src=10.0.1.9 dst=10.0.1.100 sport=41000 dport=8080 src=10.0.1.6 dst=10.0.1.4 sport=8080 dport=41000 [ASSURED] mark=0 use=1
udp      17 3 src=10.0.1.9 dst=10.0.1.101 sport=41001 dport=54 [UNREPLIED] src=10.0.1.101 dst=10.0.1.9 sport=54 dport=41001 mark=0 use=1
udp      17 29 src=172.18.0.1 dst=172.18.0.2 sport=40784 dport=8003 zone-orig=2 src=10.0.0.12 dst=10.0.0.2 sport=80 dport=40784 mark=0 use=1
tcp      6 118 SYN_SENT src=10.0.1.9 dst=10.0.1.100 sport=41002 dport=8080 [UNREPLIED] src=10.0.1.8 dst=10.0.1.4 sport=8080 dport=41002 mark=0 use=1
tcp      6 118 TIME_WAIT src=10.0.1.9 dst=10.0.1.100 sport=41003 dport=8080 src=10.0.1.10 dst=10.0.1.4 sport=8080 dport=41003 [ASSURED] mark=0 use=1
icmp     1 29 src=10.0.1.9 dst=10.0.1.7 type=8 code=0 id=1 src=10.0.1.7 dst=10.0.1.9 type=0 code=0 id=1 mark=0 use=1
`;

test('only what is tracked is to be dropped', () => {
  const there: Stale[] = [
    { kind: 'backend', carrier: 'udp', target: target(5) },
    { kind: 'backend', carrier: 'tcp', target: { address: ipv4('10.0.1.6') } },
    { kind: 'backend', carrier: 'tcp', target: { address: ipv4('10.0.1.8') } },
    { kind: 'opening', carrier: 'tcp', target: { address: ipv4('10.0.1.8') } },
    { kind: 'opening', carrier: 'tcp', target: { address: ipv4('10.0.1.8'), port: 8080 } },
    { kind: 'published', carrier: 'udp', port: 53 },
    { kind: 'published', carrier: 'udp', port: 54 },
    { kind: 'vip', carrier: 'udp', vip: ipv4('10.0.1.101') },
    { kind: 'backend', carrier: 'udp', target: target(12) },
    { kind: 'published', carrier: 'udp', port: 8003 },
    { kind: 'published', carrier: 'udp', port: 8003, zone: 2 },
    { kind: 'vip', carrier: 'udp', vip: ipv4('172.18.0.2'), zone: 2 },
  ];
  const notThere: Stale[] = [
    { kind: 'backend', carrier: 'tcp', target: { address: ipv4('10.0.1.10') } },
    { kind: 'opening', carrier: 'tcp', target: { address: ipv4('10.0.1.6') } },
    { kind: 'opening', carrier: 'tcp', target: { address: ipv4('10.0.1.8'), port: 80 } },
    { kind: 'backend', carrier: 'tcp', target: target(5) },
    { kind: 'backend', carrier: 'udp', target: { address: ipv4('10.0.0.5'), port: 81 } },
    { kind: 'backend', carrier: 'udp', target: { address: ipv4('10.0.1.6') } },
    { kind: 'backend', carrier: 'udp', target: { address: ipv4('10.0.1.7') } },
    { kind: 'published', carrier: 'udp', port: 47_000 },
    { kind: 'published', carrier: 'udp', port: 8003, zone: 1 },
    { kind: 'published', carrier: 'udp', port: 53, zone: 2 },
    { kind: 'vip', carrier: 'udp', vip: ipv4('10.0.1.100') },
  ];
  for (const one of there) expect(filtersAmong([one], listed)).not.toEqual([]);
  expect(filtersAmong(notThere, listed)).toEqual([]);
  expect(filtersAmong(there, '')).toEqual([]);
  // From the states that there are on.
  const later = ['ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK'];
  expect(filtersAmong(there.slice(1, 2), listed)).toEqual(
    later.map((state) => `-p tcp --state ${state} --reply-src 10.0.1.6`),
  );
});

test('it is dropped by the address, and the port where it has one, that answer it', () => {
  const of = (last: number) => ({ address: ipv4(`10.0.1.${last}`) });
  expect(conntrackFilters({ kind: 'vip', carrier: 'udp', vip: ipv4('10.0.1.100') })).toEqual([
    '-p udp --orig-dst 10.0.1.100',
  ]);
  expect(conntrackFilters({ kind: 'published', carrier: 'udp', port: 53, zone: 2 })).toEqual([
    '-p udp --orig-port-dst 53 --orig-zone 2',
  ]);
  expect(conntrackFilters({ kind: 'backend', carrier: 'udp', target: of(6) })).toEqual(['-p udp --reply-src 10.0.1.6']);
  expect(conntrackFilters({ kind: 'backend', carrier: 'udp', target: target(5) })).toEqual([
    '-p udp --reply-src 10.0.0.5 --reply-port-src 80',
  ]);
});

test('over TCP those that open, and all but those that are closed where asked', () => {
  const of = (state: string) => `-p tcp --state ${state} --reply-src 10.0.0.5 --reply-port-src 80`;
  expect(conntrackFilters({ kind: 'opening', carrier: 'tcp', target: target(5) })).toEqual([of('SYN_SENT')]);
  const states = ['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK'];
  expect(conntrackFilters({ kind: 'backend', carrier: 'tcp', target: target(5) })).toEqual(states.map(of));
});
