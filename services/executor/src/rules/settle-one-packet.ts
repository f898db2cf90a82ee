import {
  type OnePacket,
  readSlotKey,
  readZoneKey,
  type SandboxWish,
  type Spread,
  slotKey,
  takesDatagrams,
  zoneKey,
} from './rules.ts';
import { settleEndpoints } from './settle-slots.ts';

/**
 * What leads datagrams each by itself, beside what balances connections; a service without endpoints has none, as it is
 * refused there. It changes no zone that need not be changed. Undefined where no service asks for it.
 */
export function settleOnePacket(
  current: OnePacket | undefined,
  wish: SandboxWish,
  prune: boolean,
): OnePacket | undefined {
  const asked = [...wish.services].filter(
    ([key, { policy }]) => (policy.onePacket && takesDatagrams(key)) || (!prune && current?.services.has(key)),
  );
  const held = [...(current?.zones ?? [])].map(([key, target]) => {
    const { service, zone } = readZoneKey(key);
    return [slotKey(service, zone - 1), target] as const;
  });
  const settled = settleEndpoints({ services: new Map(), slots: new Map(held) }, new Map(asked), prune);
  const services = new Map([...settled.services].filter(([, zones]) => zones > 0));
  if (services.size === 0) return undefined;
  const zones = [...settled.slots].map(([key, target]) => {
    const { service, slot } = readSlotKey(key);
    return [zoneKey(service, slot + 1), target] as const;
  });
  return { services, zones: new Map(zones), spreads: new Set([...services.values()].map((n): Spread => `zone-${n}`)) };
}
