import { expect, test } from 'vitest';
import { chooseBalancer, IpvsMissing } from './choose-balancer.ts';

const there = { schedulers: new Set(['rr', 'wrr'] as const) };
const missing = { missing: "the kernel's module ip_vs", get: 'modprobe ip_vs' };

test.each([
  ['auto', there, 'ipvs'],
  ['auto', missing, 'nftables'],
  ['ipvs', there, 'ipvs'],
  ['ipvs', missing, 'nftables'],
  ['nftables', there, 'nftables'],
] as const)('%s', (asked, support, balancer) => {
  expect(chooseBalancer(asked, support, false).balancer).toBe(balancer);
});

test('IPVS that is asked for and missing is told, with what is missing; strictly asked for it is an end', () => {
  expect(chooseBalancer('ipvs', missing, false).instead).toContain("the kernel's module ip_vs is missing");
  const open = chooseBalancer('auto', missing, false);
  expect(open.instead).toBeUndefined();
  expect(open.because).toBe("for IPVS the kernel's module ip_vs is missing (modprobe ip_vs)");
  expect(() => chooseBalancer('ipvs', missing, true)).toThrow(IpvsMissing);
  expect(chooseBalancer('auto', missing, true).balancer).toBe('nftables');
});

test('the schedulers are those that the kernel has; nftables has none but turns', () => {
  expect(chooseBalancer('auto', there, false).schedulers).toEqual(new Set(['rr', 'wrr']));
  expect(chooseBalancer('nftables', there, false).schedulers).toEqual(new Set(['rr']));
});
