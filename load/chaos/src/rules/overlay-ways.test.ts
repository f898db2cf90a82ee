import { expect, test } from 'vitest';
import { haveEachOther, waysIn } from './overlay-ways.ts';

test('there is a way where both of Docker’s entries are, on one device', () => {
  // As iproute2 6.1 lists what Docker 20.10 has set.
  const neighbours = [
    { dst: '10.0.0.4', dev: 'vxlan0', lladdr: '02:42:0a:00:00:04', state: ['PERMANENT'] },
    { dst: '10.0.0.5', dev: 'vxlan0', lladdr: '02:42:0a:00:00:05', state: ['PERMANENT'] },
    { dst: '10.0.0.6', dev: 'vxlan1', lladdr: '02:42:0a:00:00:06', state: ['PERMANENT'] },
    { dst: '10.0.0.7', dev: 'vxlan0', state: ['FAILED'] },
  ];
  const forwardings = [
    { mac: '02:42:0a:00:00:04', ifname: 'vxlan0', dst: '10.99.0.12', flags: ['self'], state: 'permanent' },
    { mac: '02:42:0a:00:00:05', ifname: 'vxlan0', flags: [], master: 'br0', state: 'permanent' },
    { mac: '02:42:0a:00:00:06', ifname: 'vxlan0', dst: '10.99.0.12', flags: ['self'], state: 'permanent' },
  ];
  expect(waysIn(JSON.stringify(neighbours), JSON.stringify(forwardings))).toEqual(['10.0.0.4']);
  expect(waysIn('', '')).toEqual([]);
});

test('two nodes have each other where each has a way to the other’s sandbox of ingress', () => {
  const ways = (to: readonly string[], sandbox: string) => ({
    to: new Set(to),
    from: new Map([
      ['ingress_sbox', ['127.0.0.1', sandbox]],
      ['lb_back', ['10.0.1.9']],
    ]),
  });
  const one = ways(['10.0.0.3'], '10.0.0.2');
  expect(haveEachOther(one, ways(['10.0.0.2'], '10.0.0.3'))).toBe(true);
  expect(haveEachOther(one, ways(['10.0.0.7'], '10.0.0.3'))).toBe(false);
  expect(haveEachOther(one, ways(['10.0.0.2'], '10.0.0.4'))).toBe(false);
  expect(haveEachOther(one, { to: new Set(), from: new Map() })).toBe(false);
});
