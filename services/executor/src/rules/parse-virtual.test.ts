import { expect, test } from 'vitest';
import { parseConnections } from './parse-virtual.ts';

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
