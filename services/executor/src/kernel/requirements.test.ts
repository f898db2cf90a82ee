import { expect, test } from 'vitest';
import { missingRequirements } from './requirements.ts';

test('says what is missing, and how to get it', async () => {
  const missing = await missingRequirements('/nowhere', 'CapEff:\t0000000000000000\n');
  expect(missing.map((one) => `${one.missing}: ${one.get}`)).toEqual([
    'CAP_NET_ADMIN: run as root, or give the service the capability CAP_NET_ADMIN',
    'CAP_NET_RAW: run as root, or give the service the capability CAP_NET_RAW',
    'CAP_SYS_ADMIN: run as root, or give the service the capability CAP_SYS_ADMIN',
    'nft: apt-get install nftables',
    'iptables: apt-get install iptables',
    'nsenter: apt-get install util-linux',
    'setpriv: apt-get install util-linux',
    'ip: apt-get install iproute2',
    'bridge: apt-get install iproute2',
    'ping: apt-get install iputils-ping',
    'conntrack: apt-get install conntrack',
  ]);
});

test('capabilities count, not the user', async () => {
  const missing = await missingRequirements('/nowhere', 'CapEff:\t0000000000203000\n');
  expect(missing.some((one) => one.missing.startsWith('CAP_'))).toBe(false);
});
