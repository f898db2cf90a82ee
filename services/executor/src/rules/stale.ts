import type { Address } from '@fairway/mesh';
import {
  type Carrier,
  carriers,
  isPortKey,
  type Rules,
  readPortKey,
  readVipKey,
  type ServiceKey,
  showTarget,
  type Target,
} from './rules.ts';
import { balancedTargets, servicesIn } from './targets.ts';

/** Tracked connections that the new rules would not reach, since NAT is decided by a connection's first packet. */
export type Stale =
  /** Those to an endpoint that is in no slot any more, on any port where it has none. Drop UDP's always, TCP's where the endpoint is dead. */
  | { readonly kind: 'backend'; readonly carrier: Carrier; readonly target: Target }
  /**
   * Those of a UDP port that is published newly or no more, or that leads to another sandbox's address: a client that
   * never pauses keeps its entry for ever.
   */
  | { readonly kind: 'published'; readonly carrier: 'udp'; readonly port: number }
  /**
   * Those to a virtual IP that is new here. Who knew it before goes on sending to the sandbox, which had no rules for
   * it, for as long as they remember its MAC address; a UDP client that never pauses would keep that entry for ever.
   */
  | { readonly kind: 'vip'; readonly carrier: 'udp'; readonly vip: Address };

/** Tells what is stale in one namespace apart: `tcp by 10.0.0.5:80`, `udp to 53`, `udp to 10.0.1.100`. */
export function nameOf(stale: Stale): string {
  switch (stale.kind) {
    case 'backend':
      return `${stale.carrier} by ${showTarget(stale.target)}`;
    case 'published':
      return `${stale.carrier} to ${stale.port}`;
    case 'vip':
      return `${stale.carrier} to ${stale.vip.text}`;
  }
}

/** What of the connections tracked under the rules before is stale under those after. */
export function staleBetween(current: Rules | undefined, wanted: Rules): Stale[] {
  const before: ReadonlySet<ServiceKey> = current ? publishedIn(current) : new Set();
  const stale: Stale[] = [];
  const after = publishedIn(wanted);
  for (const key of [...before.symmetricDifference(after)]) {
    if (!isPortKey(key)) continue;
    const { carrier, port } = readPortKey(key);
    if (carrier === 'udp') stale.push({ kind: 'published', carrier, port });
  }
  for (const key of after.difference(before)) {
    if (!isPortKey(key)) stale.push({ kind: 'vip', carrier: 'udp', vip: readVipKey(key) });
  }
  if (current?.kind === 'host' && wanted.kind === 'host') {
    for (const [key, gateway] of current.ports) {
      const { carrier, port } = readPortKey(key);
      const now = wanted.ports.get(key);
      if (carrier === 'udp' && now && now.text !== gateway.text) stale.push({ kind: 'published', carrier, port });
    }
  }
  if (!current || current.kind === 'host' || wanted.kind === 'host') return stale;
  const served = balancedTargets(wanted);
  for (const [name, { match, target }] of balancedTargets(current)) {
    if (served.has(name)) continue;
    for (const carrier of match === 'ip' ? carriers : [match]) stale.push({ kind: 'backend', carrier, target });
  }
  return stale;
}

function publishedIn(rules: Rules): ReadonlySet<ServiceKey> {
  return new Set<ServiceKey>(rules.kind === 'host' ? rules.ports.keys() : servicesIn(rules));
}
