import type { Rules, ServiceKey, VipKey } from './rules.ts';

/** The virtual IPs that a network's sandbox is to answer for, with tasks or without; unless `prune`, what it has as well. */
export function settleVips(
  current: Rules | undefined,
  services: ReadonlyMap<ServiceKey, unknown>,
  prune: boolean,
): ReadonlySet<VipKey> {
  const before = current && 'vips' in current && !prune ? current.vips : new Set<VipKey>();
  return new Set([...services.keys()] as VipKey[]).union(before);
}
