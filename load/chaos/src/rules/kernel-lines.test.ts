import { expect, test } from 'vitest';
import { hostLines, ingressLines, networkLines } from './kernel-lines.ts';

/** A listing with these maps, as nft 1.0.6 writes one. */
const listing = (maps: Readonly<Record<string, unknown>>) =>
  JSON.stringify({
    nftables: [
      { metainfo: { json_schema_version: 1 } },
      { table: { family: 'inet', name: 'fairway' } },
      ...Object.entries(maps).map(([name, elem]) => ({ map: { name, table: 'fairway', ...(elem ? { elem } : {}) } })),
      { chain: { name: 'refuse' } },
    ],
  });
const port = (protocol: string, number: number) => ({ concat: [protocol, number] });
const slot = (place: string | number, number: number) => ({ concat: [place, number] });

test('the host leads its ports to the ingress sandbox', () => {
  const ports = [
    [port('tcp', 8000), '172.18.0.2'],
    [port('udp', 53), '172.18.0.2'],
  ];
  expect(hostLines(listing({ ports, refused: undefined }))).toEqual([
    'host tcp 8000 > 172.18.0.2',
    'host udp 53 > 172.18.0.2',
  ]);
});

test('a port leads to each of its tasks once, by its own protocol, or to none', () => {
  const services = [
    [port('tcp', 8000), { jump: { target: 'spread-tcp-3' } }],
    [port('udp', 8000), { jump: { target: 'spread-udp-1' } }],
    [port('tcp', 9000), { goto: { target: 'refuse' } }],
  ];
  const to = (address: string) => ({ concat: [address, 80] });
  const tcp = ['10.0.0.7', '10.0.0.5', '10.0.0.7'].map((address, n) => [slot(8000, n), to(address)]);
  const udp = [[slot(8000, 0), to('10.0.0.8')]];
  expect(ingressLines({ table: listing({ services, 'tcp-slots': tcp, 'udp-slots': udp }) })).toEqual([
    'ingress tcp 8000 > 10.0.0.5:80 10.0.0.7:80',
    'ingress udp 8000 > 10.0.0.8:80',
    'ingress tcp 9000 >',
  ]);
});

test('a virtual IP leads to its tasks', () => {
  const services = [['10.0.1.2', { jump: { target: 'spread-2' } }]];
  const slots = [
    [slot('10.0.1.2', 0), '10.0.1.6'],
    [slot('10.0.1.2', 1), '10.0.1.5'],
  ];
  expect(networkLines('lb_abc', { table: listing({ services, 'ip-slots': slots }) })).toEqual([
    'lb_abc 10.0.1.2 > 10.0.1.5 10.0.1.6',
  ]);
});

test('where there is no table there is no line', () => {
  expect([...hostLines(''), ...ingressLines({ table: '' }), ...networkLines('lb_abc', { table: '\n' })]).toEqual([]);
});

/** As ipvsadm 1.31 writes it. Docker's own services are beside Fairway's, by marks of their own. */
const virtual = `-A -t 172.18.0.2:8000 -s rr
-a -t 172.18.0.2:8000 -r 10.0.0.5:80 -m -w 1
-a -t 172.18.0.2:8000 -r 10.0.0.6:80 -m -w 0
-a -t 172.18.0.2:8000 -r 10.0.0.7:80 -m -w 1
-A -u 172.18.0.2:8000 -s rr
-a -u 172.18.0.2:8000 -r 10.0.0.8:80 -m -w 1
-A -f 257 -s rr
-a -f 257 -r 10.0.1.9:0 -m -w 1
-A -f 167772418 -s rr
-a -f 167772418 -r 10.0.1.6:0 -m -w 1
-a -f 167772418 -r 10.0.1.5:0 -m -w 1
`;

test('where IPVS balances a port leads to those of its tasks that have a weight, or to none', () => {
  const verdicts = [
    [port('tcp', 8000), { goto: { target: 'balance' } }],
    [port('udp', 8000), { goto: { target: 'balance' } }],
    [port('tcp', 9000), { goto: { target: 'refuse' } }],
  ];
  expect(ingressLines({ table: listing({ verdicts }), virtual })).toEqual([
    'ingress tcp 8000 > 10.0.0.5:80 10.0.0.7:80',
    'ingress udp 8000 > 10.0.0.8:80',
    'ingress tcp 9000 >',
  ]);
});

test('where IPVS balances a virtual IP leads to its tasks by its mark', () => {
  const verdicts = [
    ['10.0.1.2', 167772418],
    ['10.0.1.3', 1],
  ];
  expect(networkLines('lb_abc', { table: listing({ verdicts }), virtual })).toEqual([
    'lb_abc 10.0.1.2 > 10.0.1.5 10.0.1.6',
    'lb_abc 10.0.1.3 >',
  ]);
});
