import { type Element, elementsOf, type IpvsElement, isOfIpvs, sameElement, type TableElement } from './element.ts';
import { layoutVersion } from './layout.ts';
import {
  type Balancer,
  type Found,
  type HostRules,
  type IpvsSandboxRules,
  matchOf,
  type NftSandboxRules,
  type Rules,
  type SandboxRules,
  type SandboxWish,
  type Spread,
  type WishFor,
} from './rules.ts';
import { settleOnePacket } from './settle-one-packet.ts';
import { settleSlots } from './settle-slots.ts';
import { settleVirtual } from './settle-virtual.ts';
import { type Stale, staleBetween } from './stale.ts';
import {
  type IpvsOperation,
  type Operation,
  type TableOperation,
  type Transaction,
  transactionOf,
} from './transaction.ts';
import { type DestinationKey, virtualOf } from './virtual-server.ts';

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
 * without `prune` it stays as it is. Draining tasks of IPVS whose connections have `ended` leave it.
 */
export function difference<R extends Rules>(
  found: Found<R> | undefined,
  wish: WishFor<R>,
  prune: boolean,
  balancer: Balancer = 'nftables',
  ended: ReadonlySet<DestinationKey> = new Set(),
): Difference<R> {
  const current = found?.rules;
  if (!prune && found && found.layout !== layoutVersion) {
    return { rules: found.rules, transaction: undefined, stale: [], rebuilt: undefined };
  }
  const wanted = (
    wish.kind === 'host' ? settleHost(current, wish, prune) : settle(current, wish, prune, balancer, ended)
  ) as R;
  const stale = staleBetween(current, wanted);
  const isThere = found !== undefined && !found.missing;
  if (!isThere || found.foreign.length > 0 || found.layout !== layoutVersion) {
    const shape: TableOperation[] = isThere ? [{ do: 'delete table' }] : [];
    shape.push({ do: 'add table', kind: wanted.kind });
    return {
      rules: wanted,
      transaction: transactionOf(changes(current, wanted, shape)),
      stale,
      rebuilt: isThere ? 'foreign' : 'missing',
    };
  }
  return { rules: wanted, transaction: transactionOf(changes(current, wanted)), stale, rebuilt: undefined };
}

/** What takes Fairway away from a namespace and gives Docker's own mesh back, in this order. */
export type Removal = {
  /** The table and the routes: new connections are Docker's then. */
  readonly rules: Transaction | undefined;
  /** The virtual services, which still have the connections from before. */
  readonly servers: Transaction | undefined;
};

export function removal(found: Found<Rules>): Removal {
  const elements = [...elementsIn(found.rules).values()];
  const routes = elements.filter(isOfTable).filter(({ map }) => map === 'vips');
  const servers = elements.filter(isOfIpvs).filter(({ map }) => map === 'virtual');
  return {
    rules: transactionOf([
      ...routes.map((element) => ({ do: 'delete element', element }) as const),
      ...(found.missing ? [] : [{ do: 'delete table' } as const]),
    ]),
    servers: transactionOf(servers.map((element) => ({ do: 'delete element', element }) as const)),
  };
}

function settleHost(current: Rules | undefined, wish: HostRules, prune: boolean): HostRules {
  if (prune || current?.kind !== 'host') return wish;
  return { kind: 'host', ports: new Map([...current.ports, ...wish.ports]) };
}

function settle(
  current: Rules | undefined,
  wish: SandboxWish,
  prune: boolean,
  balancer: Balancer,
  ended: ReadonlySet<DestinationKey>,
): Rules {
  const rules =
    balancer === 'ipvs'
      ? settleVirtual(current as IpvsSandboxRules | undefined, wish, prune, ended)
      : settleSlots(current as NftSandboxRules | undefined, wish, prune);
  const onePacket = settleOnePacket((current as SandboxRules | undefined)?.onePacket, wish, prune);
  return onePacket ? { ...rules, onePacket } : rules;
}

/**
 * The order matters to nft: a chain is there before an element leads to it and goes after the last one, and a key is
 * deleted before it is added again. And to connections: IPVS has a service before the table leads to it, and until it
 * leads there no more.
 */
function changes(current: Rules | undefined, wanted: Rules, shape?: readonly TableOperation[]): Operation[] {
  // A table that is built anew has nothing to begin with.
  const before = shape ? ipvsIn(current) : elementsIn(current);
  const after = elementsIn(wanted);
  const gone = [...before].flatMap(([name, element]) => (sameElement(element, after.get(name)) ? [] : [element]));
  const come = [...after].flatMap(([name, element]) => (sameElement(element, before.get(name)) ? [] : [element]));
  const spreadsBefore = spreadsIn(shape ? undefined : current);
  const spreadsAfter = spreadsIn(wanted);
  return [
    ...takersFirst(come.filter(isOfIpvs)).map((element) => addOrEdit(element, before)),
    ...(shape ?? []),
    ...without(spreadsAfter, spreadsBefore).map((spread) => ({ do: 'add chain', spread }) as const),
    ...gone
      .filter(isOfTable)
      .sort(byPlace)
      .map((element) => ({ do: 'delete element', element }) as const),
    ...come
      .filter(isOfTable)
      .sort(byPlace)
      .map((element) => ({ do: 'add element', element }) as const),
    ...without(spreadsBefore, spreadsAfter).map((spread) => ({ do: 'delete chain', spread }) as const),
    ...gone
      .filter(isOfIpvs)
      .filter((element) => goes(element, before, after))
      .map((element) => ({ do: 'delete element', element }) as const),
  ];
}

type Elements = ReadonlyMap<string, Element>;

function elementsIn(rules: Rules | undefined): Elements {
  return rules ? elementsOf(rules) : new Map();
}

/** What of them is not in the table. */
function ipvsIn(rules: Rules | undefined): ReadonlyMap<string, IpvsElement> {
  return new Map([...elementsIn(rules)].flatMap(([name, element]) => (isOfIpvs(element) ? [[name, element]] : [])));
}

/** What IPVS has is edited in place: a server that is deleted and added forgets its connections. */
function addOrEdit(element: IpvsElement, before: Elements): IpvsOperation {
  return { do: before.has(`${element.map} ${element.key}`) ? 'edit element' : 'add element', element };
}

/** Each takes effect by itself: with the tasks that drain first there would be a moment in which none takes connections. */
function takersFirst(elements: readonly IpvsElement[]): IpvsElement[] {
  const drains = (element: IpvsElement) => element.map === 'destinations' && element.weight === 0;
  return [...elements.filter((element) => !drains(element)), ...elements.filter(drains)];
}

/** Whether it is to be deleted: it is not wanted, changed or not, and does not go with its virtual server. */
function goes(element: IpvsElement, before: Elements, after: Elements): boolean {
  if (after.has(`${element.map} ${element.key}`)) return false;
  if (element.map === 'virtual') return true;
  const server = `virtual ${virtualOf(element.key)}`;
  return after.has(server) || !before.has(server);
}

function isOfTable(element: Element): element is TableElement {
  return !isOfIpvs(element);
}

/** Elements of one map side by side, as `render` gathers those into one statement. */
function byPlace(a: TableElement, b: TableElement): number {
  return place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0;
}

function place(element: TableElement): string {
  return `${element.map} ${matchOf(element.key)}`;
}

/** The chains that spread in a namespace. */
export function spreadsIn(rules: Rules | undefined): ReadonlySet<Spread> {
  if (!rules || rules.kind === 'host') return new Set();
  const ofZones = rules.onePacket?.spreads ?? new Set();
  return 'spreads' in rules ? rules.spreads.union(ofZones) : ofZones;
}

function without<T>(set: ReadonlySet<T>, other: ReadonlySet<T>): T[] {
  return [...set.difference(other)].sort();
}
