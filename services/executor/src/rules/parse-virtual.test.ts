import { expect, test } from 'vitest';
import { difference } from './difference.ts';
import { layoutVersion } from './layout.ts';
import { parseConnections, parseVirtual } from './parse-virtual.ts';
import { renderVirtual } from './render-virtual.ts';
import type { IpvsIngressRules } from './rules.ts';
import { ingressOf, targets } from './sample.ts';

// `ipvsadm -L -n` of 1.31 on Linux 6.1, Docker's own service among Fairway's.
const listed = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
FWM  256 rr
  -> 10.0.0.4:0                   Masq    1      5          0         
FWM  167772418 rr
  -> 10.0.1.3:0                   Masq    1      2          0         
FWM  -1408237563 rr
  -> 10.0.1.3:0                   Masq    0      0          1         
TCP  172.18.0.2:8000 rr
  -> 10.0.0.5:80                  Masq    1      3          4         
  -> 10.0.0.6:80                  Masq    0      0          0         
UDP  172.18.0.2:53 rr
  -> 10.0.0.5:53                  Masq    1      0          7         
`;

test.each([
  [
    'ipvs-ingress',
    {
      'tcp . 172.18.0.2 . 8000 > 10.0.0.5:80': { open: 3, other: 4 },
      'tcp . 172.18.0.2 . 8000 > 10.0.0.6:80': { open: 0, other: 0 },
      'udp . 172.18.0.2 . 53 > 10.0.0.5:53': { open: 0, other: 7 },
    },
  ],
  [
    'ipvs-network',
    { 'ip . 10.0.1.2 > 10.0.1.3': { open: 2, other: 0 }, 'ip . 172.16.0.5 > 10.0.1.3': { open: 0, other: 1 } },
  ],
] as const)('connections of the destinations of its own services: %s', (kind, connections) => {
  expect(Object.fromEntries(parseConnections(kind, listed))).toEqual(connections);
});

test.each(['-g -w 1', '-m -w 1 -x 100 -y 0'])(
  'a task that somebody changed is told, and set as Fairway sets it: %s',
  (how) => {
    const saved = `-A -t 172.18.0.2:8000 -s rr\n-a -t 172.18.0.2:8000 -r 10.0.0.5:80 ${how}\n-a -t 172.18.0.2:8000 -r 10.0.0.6:80 -m -w 1\n`;
    const { virtual, foreign } = parseVirtual('ipvs-ingress', saved);
    expect(foreign).toEqual([`IPVS has -a -t 172.18.0.2:8000 -r 10.0.0.5:80 ${how}`]);
    const rules: IpvsIngressRules = { kind: 'ipvs-ingress', verdicts: new Map([['tcp . 8000', 'balance']]), virtual };
    const found = { rules, layout: layoutVersion, foreign };
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6) });
    const { transaction } = difference<IpvsIngressRules>(found, wish, true, 'ipvs');
    expect(transaction && renderVirtual(transaction)).toEqual({
      before: ['-e -t 172.18.0.2:8000 -r 10.0.0.5:80 -m -w 1'],
      after: [],
    });
  },
);
