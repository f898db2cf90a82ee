import type { Changes } from '@fairway/mesh';
import { type IpvsElement, isOfIpvs, type TableElement } from './element.ts';
import type { Rules, Spread } from './rules.ts';

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
