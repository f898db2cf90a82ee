import type { Address } from '@fairway/mesh';
import {
  type Carrier,
  carriers,
  isPortKey,
  type OnePacket,
  type Rules,
  readPortKey,
  readVipKey,
  readZoneKey,
  type ServiceKey,
  showTarget,
  type Target,
  takesDatagrams,
} from './rules.ts';
import { balancedTargets, servicesIn } from './targets.ts';

/** Tracked connections that the new rules would not reach, since NAT is decided by a connection's first packet. */
export type Stale =
  /** Those to an endpoint that is in no slot any more, on any port where it has none. Drop UDP's always, TCP's where the endpoint is dead. */
  | { readonly kind: 'backend'; readonly carrier: Carrier; readonly target: Target }
  /** Those to such an endpoint that nobody has answered yet: a SYN that is sent again would go where the first one went. */
  | { readonly kind: 'opening'; readonly carrier: 'tcp'; readonly target: Target }
  /**
   * Those of a UDP port that is published newly or no more, or that leads to another sandbox's address: a client that
   * never pauses keeps its entry for ever. Likewise where its datagrams go each by itself from now on, or no more; and
   * those of one zone where that leads to another endpoint, or to one again. Those of a zone that is drawn no more are
   * left, as answers may be on their way.
   */
  | { readonly kind: 'published'; readonly carrier: 'udp'; readonly port: number; readonly zone?: number }
  /**
   * Those to a virtual IP that is new here. Who knew it before goes on sending to the sandbox, which had no rules for
   * it, for as long as they remember its MAC address; a UDP client that never pauses would keep that entry for ever. And
   * as with a port, of one whose datagrams go each by itself.
   */
  | { readonly kind: 'vip'; readonly carrier: 'udp'; readonly vip: Address; readonly zone?: number };

/** Tells what is stale in one namespace apart: `tcp by 10.0.0.5:80`, `udp to 53`, `udp to 10.0.1.100`, `udp to 53 in 2`. */
export function nameOf(stale: Stale): string {
  switch (stale.kind) {
    case 'backend':
      return `${stale.carrier} by ${showTarget(stale.target)}`;
    case 'opening':
      return `${stale.carrier} opening to ${showTarget(stale.target)}`;
    case 'published':
      return `${stale.carrier} to ${stale.port}${inZone(stale)}`;
    case 'vip':
      return `${stale.carrier} to ${stale.vip.text}${inZone(stale)}`;
  }
}

function inZone({ zone }: { readonly zone?: number }): string {
  return zone === undefined ? '' : ` in ${zone}`;
}

/** What of the connections tracked under the rules before is stale under those after. */
export function staleBetween(current: Rules | undefined, wanted: Rules): Stale[] {
  const before: ReadonlySet<ServiceKey> = current ? publishedIn(current) : new Set();
  const after = publishedIn(wanted);
  const hadPackets = onePacketIn(current);
  const hasPackets = onePacketIn(wanted);
  const whole = new Set([
    ...[...before.symmetricDifference(after)].filter(isPortKey),
    ...after.difference(before),
    ...hadPackets.services.symmetricDifference(hasPackets.services),
  ]);
  const stale: Stale[] = [...whole].filter(takesDatagrams).map((key) => datagramsTo(key));
  for (const [key, target] of hasPackets.zones) {
    const { service, zone } = readZoneKey(key);
    const held = hadPackets.zones.get(key);
    if (whole.has(service) || (held && showTarget(held) === showTarget(target))) continue;
    stale.push({ ...datagramsTo(service), zone });
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

/** What is tracked of a service's datagrams. */
function datagramsTo(key: ServiceKey): Extract<Stale, { kind: 'published' | 'vip' }> {
  return isPortKey(key)
    ? { kind: 'published', carrier: 'udp', port: readPortKey(key).port }
    : { kind: 'vip', carrier: 'udp', vip: readVipKey(key) };
}

function onePacketIn(rules: Rules | undefined): {
  readonly services: ReadonlySet<ServiceKey>;
  readonly zones: OnePacket['zones'];
} {
  const held = rules && rules.kind !== 'host' ? rules.onePacket : undefined;
  return { services: new Set(held?.services.keys()), zones: held?.zones ?? new Map() };
}

function publishedIn(rules: Rules): ReadonlySet<ServiceKey> {
  return new Set<ServiceKey>(rules.kind === 'host' ? rules.ports.keys() : servicesIn(rules));
}
