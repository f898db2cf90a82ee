import {
  type NftSandboxRules,
  readSlotKey,
  type SandboxWish,
  type ServiceKey,
  type SlotKey,
  type Spread,
  slotKey,
  spreadOf,
  type Target,
} from './rules.ts';
import { settleVips } from './settle-vips.ts';
import { assignSlots } from './slots.ts';

/**
 * What nftables is to have in a sandbox. It changes no slot that need not be changed; a draining target has none, since
 * its connections are tracked.
 */
export function settleSlots(current: NftSandboxRules | undefined, wish: SandboxWish, prune: boolean): NftSandboxRules {
  const { services, slots } = settleEndpoints(current, wish.services, prune);
  const served = [...services].filter(([, endpoints]) => endpoints > 0);
  const spreads = new Set<Spread>(served.map(([service, endpoints]) => spreadOf(service, endpoints)));
  if (wish.kind === 'ingress') return { kind: 'ingress', services, slots, spreads };
  return { kind: 'network', services, slots, spreads, vips: settleVips(current, services, prune) };
}

type Endpoints = Pick<NftSandboxRules, 'services' | 'slots'>;

/** The endpoints of each service, each in a slot that it keeps. */
export function settleEndpoints(
  current: Endpoints | undefined,
  wished: SandboxWish['services'],
  prune: boolean,
): Endpoints {
  const held = new Map<ServiceKey, Map<number, Target>>();
  for (const [key, target] of current?.slots ?? []) {
    const { service, slot } = readSlotKey(key);
    const slots = held.get(service) ?? new Map<number, Target>();
    held.set(service, slots.set(slot, target));
  }
  const kept = prune ? [] : [...held.keys(), ...(current?.services.keys() ?? [])];
  const services = new Map<ServiceKey, number>();
  const slots = new Map<SlotKey, Target>();
  for (const service of new Set([...wished.keys(), ...kept])) {
    const had = held.get(service) ?? new Map<number, Target>();
    const wanted = [...(prune ? [] : had.values()), ...(wished.get(service)?.targets ?? [])];
    const assigned = assignSlots(had, wanted);
    services.set(service, assigned.length);
    for (const [slot, target] of assigned.entries()) slots.set(slotKey(service, slot), target);
  }
  return { services, slots };
}
