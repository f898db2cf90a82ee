import type { Address, Changes } from '@fairway/mesh';
import type { PortKey, Rules, ServiceKey, SlotKey, Spread, Target, VipKey } from './rules.ts';

/** An entry of one of the tables' maps, or a virtual IP as an address of its sandbox. */
export type Element =
  | { readonly map: 'ports'; readonly key: PortKey; readonly gateway: Address }
  | { readonly map: 'services'; readonly key: ServiceKey; readonly endpoints: number }
  | { readonly map: 'slots'; readonly key: SlotKey; readonly target: Target }
  | { readonly map: 'vips'; readonly key: VipKey };

/** One step of a transaction. A changed element is deleted and added again, as nft 1.0.6 cannot overwrite one. */
export type Operation = ShapeOperation | ElementOperation;
export type ShapeOperation =
  | { readonly do: 'delete table' }
  | { readonly do: 'add table'; readonly kind: Rules['kind'] }
  | { readonly do: 'add chain' | 'delete chain'; readonly spread: Spread };
type ElementOperation = { readonly do: 'add element' | 'delete element'; readonly element: Element };

/**
 * Ordered operations on one namespace. Those on its table take effect together or not at all; its addresses follow,
 * each by itself. Never empty.
 */
export type Transaction = { readonly operations: readonly Operation[]; readonly changes: Changes };

/** Undefined where there is nothing to do. */
export function transactionOf(operations: readonly Operation[]): Transaction | undefined {
  if (operations.length === 0) return undefined;
  const added = operations.filter((operation) => operation.do.startsWith('add')).length;
  return { operations, changes: { added, removed: operations.length - added } };
}

/** Whether a transaction builds the table anew rather than changing it. */
export function isRebuild({ operations }: Transaction): boolean {
  return operations[0]?.do === 'delete table' && operations[1]?.do === 'add table';
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
      : [
          ...[...rules.slots].map(([key, target]) => ({ map: 'slots', key, target }) as const),
          ...[...rules.services].map(([key, endpoints]) => ({ map: 'services', key, endpoints }) as const),
          ...[...(rules.kind === 'network' ? rules.vips : [])].map((key) => ({ map: 'vips', key }) as const),
        ];
  return new Map(elements.map((element) => [`${element.map} ${element.key}`, element]));
}
