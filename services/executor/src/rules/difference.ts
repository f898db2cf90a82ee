import type { Address } from '@fairway/mesh';
import { layoutVersion } from './layout.ts';
import {
  type Carrier,
  carriers,
  type Found,
  type HostRules,
  isPortKey,
  matchOf,
  type NetworkRules,
  type Rules,
  readPortKey,
  readSlotKey,
  readVipKey,
  type SandboxRules,
  type SandboxWish,
  type ServiceKey,
  type SlotKey,
  type Spread,
  showTarget,
  slotKey,
  spreadOf,
  type Target,
  type VipKey,
  type WishFor,
} from './rules.ts';
import { assignSlots } from './slots.ts';
import { type Element, elementsOf, type Operation, type Transaction, transactionOf } from './transaction.ts';

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

/** The way from what a namespace has to what is wanted. */
export type Difference<R extends Rules> = {
  /** The rules after it. */
  readonly rules: R;
  /** Undefined where nothing is to be done. Its size is that of the change, unless the table is built anew. */
  readonly transaction: Transaction | undefined;
  /** To be forgotten after the transaction. */
  readonly stale: readonly Stale[];
  /** Why the table is built (anew): it was not there, or not as it should be. Undefined where it is only changed. */
  readonly rebuilt: 'missing' | 'foreign' | undefined;
};

/**
 * What leads from the rules found to the wish. Without `prune` nothing that the kernel has is removed: its ports stay,
 * and a port's endpoints are the kernel's and the plan's together. A table of another layout cannot be read, so
 * without `prune` it stays as it is.
 */
export function difference<R extends Rules>(
  found: Found<R> | undefined,
  wish: WishFor<R>,
  prune: boolean,
): Difference<R> {
  const current = found?.rules;
  if (!prune && found && found.layout !== layoutVersion) {
    return { rules: found.rules, transaction: undefined, stale: [], rebuilt: undefined };
  }
  const wanted = (
    wish.kind === 'host'
      ? settleHost(current as HostRules | undefined, wish, prune)
      : settleSandbox(current as SandboxRules | undefined, wish, prune)
  ) as R;
  const stale = staleBetween(current, wanted);
  if (!found || found.foreign.length > 0 || found.layout !== layoutVersion) {
    const operations: Operation[] = found ? [{ do: 'delete table' }] : [];
    operations.push({ do: 'add table', kind: wish.kind }, ...changes(undefined, wanted));
    return {
      rules: wanted,
      transaction: transactionOf(operations),
      stale,
      rebuilt: found ? 'foreign' : 'missing',
    };
  }
  return { rules: wanted, transaction: transactionOf(changes(current, wanted)), stale, rebuilt: undefined };
}

/** The transaction that takes Fairway's table away, which gives Docker's own mesh back. */
export function removal(): Transaction {
  return transactionOf([{ do: 'delete table' }]) as Transaction;
}

function settleHost(current: HostRules | undefined, wish: HostRules, prune: boolean): HostRules {
  if (prune || !current) return wish;
  return { kind: 'host', ports: new Map([...current.ports, ...wish.ports]) };
}

function settleSandbox(current: SandboxRules | undefined, wish: SandboxWish, prune: boolean): SandboxRules {
  const held = new Map<ServiceKey, Map<number, Target>>();
  for (const [key, target] of current?.slots ?? []) {
    const { service, slot } = readSlotKey(key);
    const slots = held.get(service) ?? new Map<number, Target>();
    held.set(service, slots.set(slot, target));
  }
  const kept = prune ? [] : [...held.keys(), ...(current?.services.keys() ?? [])];
  const services = new Map<ServiceKey, number>();
  const slots = new Map<SlotKey, Target>();
  const spreads = new Set<Spread>();
  for (const service of new Set([...wish.services.keys(), ...kept])) {
    const had = held.get(service) ?? new Map<number, Target>();
    const wanted = [...(prune ? [] : had.values()), ...(wish.services.get(service) ?? [])];
    const assigned = assignSlots(had, wanted);
    services.set(service, assigned.length);
    if (assigned.length > 0) spreads.add(spreadOf(service, assigned.length));
    for (const [slot, target] of assigned.entries()) slots.set(slotKey(service, slot), target);
  }
  const balancer = { services, slots, spreads };
  if (wish.kind === 'ingress') return { kind: 'ingress', ...balancer };
  const vips = [...services.keys()] as VipKey[];
  return { kind: 'network', ...balancer, vips: new Set(prune ? vips : [...vips, ...vipsIn(current)]) };
}

/**
 * The order matters to nft: a chain is there before an element leads to it and goes after the last one, and a key is
 * deleted before it is added again.
 */
function changes(current: Rules | undefined, wanted: Rules): Operation[] {
  const before: Map<string, Element> = current ? elementsOf(current) : new Map();
  const after = elementsOf(wanted);
  const gone = [...before].filter(([name, element]) => !sameElement(element, after.get(name)));
  const come = [...after].filter(([name, element]) => !sameElement(element, before.get(name)));
  const spreadsBefore = spreadsIn(current);
  const spreadsAfter = spreadsIn(wanted);
  return [
    ...without(spreadsAfter, spreadsBefore).map((spread) => ({ do: 'add chain', spread }) as const),
    ...gone.map(([, element]) => ({ do: 'delete element', element }) as const).sort(byPlace),
    ...come.map(([, element]) => ({ do: 'add element', element }) as const).sort(byPlace),
    ...without(spreadsBefore, spreadsAfter).map((spread) => ({ do: 'delete chain', spread }) as const),
  ];
}

/** Elements of one map side by side, as `render` gathers those into one statement. */
function byPlace(a: { element: Element }, b: { element: Element }): number {
  return place(a.element) < place(b.element) ? -1 : place(a.element) > place(b.element) ? 1 : 0;
}

function place(element: Element): string {
  return `${element.map} ${matchOf(element.key)}`;
}

function sameElement(a: Element, b: Element | undefined): boolean {
  if (!b || a.map !== b.map || a.key !== b.key) return false;
  if (a.map === 'ports') return b.map === 'ports' && a.gateway.text === b.gateway.text;
  if (a.map === 'services') return b.map === 'services' && a.endpoints === b.endpoints;
  if (a.map === 'vips') return true;
  return b.map === 'slots' && showTarget(a.target) === showTarget(b.target);
}

function spreadsIn(rules: Rules | undefined): ReadonlySet<Spread> {
  return !rules || rules.kind === 'host' ? new Set() : rules.spreads;
}

function vipsIn(rules: SandboxRules | undefined): NetworkRules['vips'] {
  return rules?.kind === 'network' ? rules.vips : new Set();
}

function staleBetween(current: Rules | undefined, wanted: Rules): Stale[] {
  const before = current ? publishedIn(current) : new Set<ServiceKey>();
  const stale: Stale[] = [];
  const after = publishedIn(wanted);
  for (const key of [...without(before, after), ...without(after, before)]) {
    if (!isPortKey(key)) continue;
    const { carrier, port } = readPortKey(key);
    if (carrier === 'udp') stale.push({ kind: 'published', carrier, port });
  }
  for (const key of without(after, before)) {
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
  const served = new Set([...wanted.slots].map(([key, target]) => nameWithMatch(key, target)));
  const lost = new Map([...current.slots].map(([key, target]) => [nameWithMatch(key, target), { key, target }]));
  for (const [name, { key, target }] of lost) {
    if (served.has(name)) continue;
    const match = matchOf(key);
    for (const carrier of match === 'ip' ? carriers : [match]) stale.push({ kind: 'backend', carrier, target });
  }
  return stale;
}

function without<T>(set: ReadonlySet<T>, other: ReadonlySet<T>): T[] {
  return [...set].filter((value) => !other.has(value)).sort();
}

function publishedIn(rules: Rules): ReadonlySet<ServiceKey> {
  return new Set<ServiceKey>(rules.kind === 'host' ? rules.ports.keys() : rules.services.keys());
}

function nameWithMatch(key: SlotKey, target: Target): string {
  return `${matchOf(key)} ${showTarget(target)}`;
}
