import type { Address, Changes, Scheduler } from '@fairway/mesh';
import type { PortKey, Rules, ServiceKey, SlotKey, Spread, Target, Verdict, VipKey, ZoneKey } from './rules.ts';
import { type DestinationKey, destinationKey, type VirtualKey } from './virtual-server.ts';

/** An entry of one of the table's maps, or a virtual IP as an address of its sandbox. */
export type TableElement =
  | { readonly map: 'ports'; readonly key: PortKey; readonly gateway: Address }
  | { readonly map: 'services'; readonly key: ServiceKey; readonly endpoints: number }
  | { readonly map: 'slots'; readonly key: SlotKey; readonly target: Target }
  | { readonly map: 'verdicts'; readonly key: ServiceKey; readonly verdict: Verdict }
  | { readonly map: 'one-packet'; readonly key: ServiceKey; readonly zones: number }
  | { readonly map: 'zones'; readonly key: ZoneKey; readonly target: Target }
  | { readonly map: 'vips'; readonly key: VipKey };

/** A virtual service of IPVS, or a destination of one. */
export type IpvsElement =
  | { readonly map: 'virtual'; readonly key: VirtualKey; readonly scheduler: Scheduler }
  | {
      readonly map: 'destinations';
      readonly key: DestinationKey;
      readonly target: Target;
      readonly weight: number;
    };
export type Element = TableElement | IpvsElement;

/** One step of a transaction. A changed element is deleted and added again, as nft 1.0.6 cannot overwrite one. */
export type TableOperation =
  | ShapeOperation
  | { readonly do: 'add element' | 'delete element'; readonly element: TableElement };
export type ShapeOperation =
  | { readonly do: 'delete table' }
  | { readonly do: 'add table'; readonly kind: Rules['kind'] }
  | { readonly do: 'add chain' | 'delete chain'; readonly spread: Spread };

/** One step on IPVS, where what has changed is edited in place. */
export type IpvsOperation = {
  readonly do: 'add element' | 'edit element' | 'delete element';
  readonly element: IpvsElement;
};
export type Operation = TableOperation | IpvsOperation;

/**
 * Ordered operations on one namespace. Those on its table take effect together or not at all; those on IPVS, before and
 * after it, each by itself, and so do its virtual IPs, which follow. Never empty.
 */
export type Transaction = { readonly operations: readonly Operation[]; readonly changes: Changes };

export function isOfIpvs(element: Element): element is IpvsElement {
  return element.map === 'virtual' || element.map === 'destinations';
}

export function isOnIpvs(operation: Operation): operation is IpvsOperation {
  return 'element' in operation && isOfIpvs(operation.element);
}

/**
 * A transaction's part for IPVS: what is new is there before the table leads to it, and what goes does so when the table
 * leads there no more.
 */
export function onIpvs({ operations }: Pick<Transaction, 'operations'>): {
  readonly before: readonly IpvsOperation[];
  readonly after: readonly IpvsOperation[];
} {
  const there = operations.filter(isOnIpvs);
  return {
    before: there.filter(({ do: verb }) => verb !== 'delete element'),
    after: there.filter(({ do: verb }) => verb === 'delete element'),
  };
}

/** Undefined where there is nothing to do. */
export function transactionOf(operations: readonly Operation[]): Transaction | undefined {
  if (operations.length === 0) return undefined;
  const added = operations.filter((operation) => !operation.do.startsWith('delete')).length;
  return { operations, changes: { added, removed: operations.length - added } };
}

/** Whether a transaction builds the table anew rather than changing it. */
export function isRebuild({ operations }: Transaction): boolean {
  const at = operations.findIndex(({ do: verb }) => verb === 'delete table');
  return at >= 0 && operations[at + 1]?.do === 'add table';
}

/** Whether a transaction takes the table away for good. */
export function isRemoval({ operations }: Transaction): boolean {
  const did = operations.map(({ do: verb }) => verb);
  return did.includes('delete table') && !did.includes('add table');
}

/** Whether a transaction leaves the table's own shape alone but for chains that spread. */
export function ofElementsAlone({ operations }: Transaction): boolean {
  return operations.every(({ do: verb }) => verb !== 'add table' && verb !== 'delete table');
}

/** All elements of a namespace, each by a name unlike any other's: `slots tcp . 8000 . 2`. */
export function elementsOf(rules: Rules): Map<string, Element> {
  const elements: Element[] =
    rules.kind === 'host'
      ? [...rules.ports].map(([key, gateway]) => ({ map: 'ports', key, gateway }))
      : 'slots' in rules
        ? [
            ...[...rules.slots].map(([key, target]) => ({ map: 'slots', key, target }) as const),
            ...[...rules.services].map(([key, endpoints]) => ({ map: 'services', key, endpoints }) as const),
          ]
        : [
            ...[...rules.verdicts].map(([key, verdict]) => ({ map: 'verdicts', key, verdict }) as const),
            ...[...rules.virtual].map(([key, { scheduler }]) => ({ map: 'virtual', key, scheduler }) as const),
            ...[...rules.virtual].flatMap(([key, { destinations }]) =>
              [...destinations.values()].map(
                ({ target, weight }) =>
                  ({ map: 'destinations', key: destinationKey(key, target), target, weight }) as const,
              ),
            ),
          ];
  if (rules.kind !== 'host' && rules.onePacket) {
    for (const [key, target] of rules.onePacket.zones) elements.push({ map: 'zones', key, target });
    for (const [key, zones] of rules.onePacket.services) elements.push({ map: 'one-packet', key, zones });
  }
  if ('vips' in rules) for (const key of rules.vips) elements.push({ map: 'vips', key });
  return new Map(elements.map((element) => [`${element.map} ${element.key}`, element]));
}
