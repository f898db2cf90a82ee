import type { Address } from '@fairway/mesh';
import {
  type IpvsSandboxRules,
  isPortKey,
  type Rules,
  readPortKey,
  type SandboxWish,
  type ServiceKey,
  showTarget,
  type Verdict,
} from './rules.ts';
import { settleVips } from './settle-vips.ts';
import {
  type Connections,
  type Destination,
  type DestinationKey,
  destinationKey,
  type VirtualKey,
  type VirtualServer,
  virtualKey,
} from './virtual-server.ts';

/**
 * What IPVS is to have in a sandbox. A draining task that it has stays with weight 0 until its connections have `ended`,
 * or it is in the wish no more, as its container has died; one that it has not is not given to it. Of a UDP port it leaves
 * at once: with weight 0 IPVS sends it what comes from a socket that it knows for as long as that goes on (ip_vs_in,
 * net/netfilter/ipvs/ip_vs_core.c). A virtual IP has one service for both carriers, and there datagrams go on till the task is
 * dead. Without `prune` what it has stays as it is: an incomplete mesh may be older than what the kernel has.
 */
export function settleVirtual(
  current: IpvsSandboxRules | undefined,
  wish: SandboxWish,
  prune: boolean,
  ended: ReadonlySet<DestinationKey>,
): IpvsSandboxRules {
  const verdicts = new Map<ServiceKey, Verdict>(prune ? [] : current?.verdicts);
  const virtual = new Map<VirtualKey, VirtualServer>(prune ? [] : current?.virtual);
  for (const [service, { targets, draining, policy }] of wish.services) {
    const key = virtualKey(service, gatewayOf(wish));
    const had = current?.virtual.get(key)?.destinations ?? new Map<string, Destination>();
    const destinations = new Map<string, Destination>(prune ? [] : had);
    for (const target of prune && !isUdpPort(service) ? draining : []) {
      const name = showTarget(target);
      if (had.has(name) && !ended.has(destinationKey(key, target))) destinations.set(name, { target, weight: 0 });
    }
    for (const target of targets) destinations.set(showTarget(target), { target, weight: 1 });
    if (destinations.size > 0) virtual.set(key, { scheduler: policy.scheduler, destinations });
    const takes = [...destinations.values()].some(({ weight }) => weight > 0);
    verdicts.set(service, takes ? 'balance' : 'refuse');
  }
  if (wish.kind === 'ingress') return { kind: 'ipvs-ingress', verdicts, virtual };
  return { kind: 'ipvs-network', verdicts, virtual, vips: settleVips(current, verdicts, prune) };
}

/** Whether IPVS has tasks that get no new connections. */
export function drainsAny(rules: Rules): boolean {
  return draining(rules).length > 0;
}

/** The tasks that get no new connections, and have none any more. */
export function endedIn(rules: Rules, connections: ReadonlyMap<DestinationKey, Connections>): Set<DestinationKey> {
  return new Set(
    draining(rules).filter((key) => {
      const { open, other } = connections.get(key) ?? { open: 0, other: 0 };
      return open + other === 0;
    }),
  );
}

function draining(rules: Rules): DestinationKey[] {
  if (!('virtual' in rules)) return [];
  return [...rules.virtual].flatMap(([key, { destinations }]) =>
    [...destinations.values()].flatMap(({ target, weight }) => (weight === 0 ? [destinationKey(key, target)] : [])),
  );
}

function isUdpPort(service: ServiceKey): boolean {
  return isPortKey(service) && readPortKey(service).carrier === 'udp';
}

function gatewayOf(wish: SandboxWish): Address | undefined {
  return wish.kind === 'ingress' ? wish.gateway : undefined;
}
