import type { Element } from './element.ts';
import { readSlotKey, readZoneKey, type ServiceKey } from './rules.ts';
import { isOnIpvs, type Operation, type Transaction, transactionOf } from './transaction.ts';
import { serviceOf, virtualOf } from './virtual-server.ts';

/** The services that a transaction changes, in the order of its operations. */
export function servicesOf({ operations }: Transaction): readonly ServiceKey[] {
  return [
    ...new Set(operations.flatMap((operation) => ('element' in operation ? [balancedBy(operation.element)] : []))),
  ];
}

/**
 * A transaction without what is about some of its services. Chains that they may go on to need are not
 * deleted: the next difference finds those that nobody does. Undefined where nothing is left.
 */
export function withoutServices(
  { operations }: Transaction,
  services: ReadonlySet<ServiceKey>,
): Transaction | undefined {
  const isLeft = (operation: Operation) =>
    'element' in operation ? !services.has(balancedBy(operation.element)) : operation.do !== 'delete chain';
  return transactionOf(services.size === 0 ? operations : operations.filter(isLeft));
}

/** The transaction's part that is on the table: what takes effect together or not at all. */
export function ofTable({ operations }: Transaction): Transaction | undefined {
  return transactionOf(operations.filter((operation) => !isOnIpvs(operation)));
}

function balancedBy(element: Element): ServiceKey {
  switch (element.map) {
    case 'slots':
      return readSlotKey(element.key).service;
    case 'zones':
      return readZoneKey(element.key).service;
    case 'virtual':
      return serviceOf(element.key);
    case 'destinations':
      return serviceOf(virtualOf(element.key));
    default:
      return element.key;
  }
}
