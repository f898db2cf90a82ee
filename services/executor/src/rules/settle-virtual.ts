import type { Address } from '@fairway/mesh';
import { type IpvsSandboxRules, type SandboxWish, type ServiceKey, showTarget, type Verdict } from './rules.ts';
import { type Destination, type VirtualKey, type VirtualServer, virtualKey } from './virtual-server.ts';

/**
 * What IPVS is to have in a sandbox. A draining task that it has stays with weight 0; one that it has not is not given
 * to it, as it has no connections there.
 */
export function settleVirtual(
  current: IpvsSandboxRules | undefined,
  wish: SandboxWish,
  prune: boolean,
): IpvsSandboxRules {
  const verdicts = new Map<ServiceKey, Verdict>(prune ? [] : current?.verdicts);
  const virtual = new Map<VirtualKey, VirtualServer>(prune ? [] : current?.virtual);
  for (const [service, { targets, draining, policy }] of wish.services) {
    const key = virtualKey(service, gatewayOf(wish));
    const had = current?.virtual.get(key)?.destinations ?? new Map<string, Destination>();
    const destinations = new Map<string, Destination>(prune ? [] : had);
    for (const target of draining) {
      const name = showTarget(target);
      if (had.has(name)) destinations.set(name, { target, weight: 0 });
    }
    for (const target of targets) destinations.set(showTarget(target), { target, weight: 1 });
    if (destinations.size > 0) virtual.set(key, { scheduler: policy.scheduler, destinations });
    const takes = [...destinations.values()].some(({ weight }) => weight > 0);
    verdicts.set(service, takes ? 'balance' : 'refuse');
  }
  return { kind: wish.kind === 'ingress' ? 'ipvs-ingress' : 'ipvs-network', verdicts, virtual };
}

function gatewayOf(wish: SandboxWish): Address | undefined {
  return wish.kind === 'ingress' ? wish.gateway : undefined;
}
