import type { Address, Scheduler } from '@fairway/mesh';
import { assertAddress, assertPort } from './render.ts';
import type { Target } from './rules.ts';
import { type IpvsElement, type IpvsOperation, isOnIpvs, type Transaction } from './transaction.ts';
import { markOf, readVirtualKey, type VirtualKey, virtualOf } from './virtual-server.ts';

/** Lines for `ipvsadm --restore` before the table changes, and after it. */
export type VirtualLines = { readonly before: readonly string[]; readonly after: readonly string[] };

/**
 * A transaction's part for IPVS. What is new is there before the table leads to it, and what goes does so when the
 * table leads there no more. Nothing but asserted ports and addresses reaches the text.
 * @throws UnfitForRules
 */
export function renderVirtual({ operations }: Pick<Transaction, 'operations'>): VirtualLines {
  const lines = { before: [] as string[], after: [] as string[] };
  for (const operation of operations) {
    if (!isOnIpvs(operation)) continue;
    const line = showLine(operation);
    lines[operation.do === 'delete element' ? 'after' : 'before'].push(line);
  }
  return lines;
}

const verbs: Readonly<Record<IpvsElement['map'], Readonly<Record<IpvsOperation['do'], string>>>> = {
  virtual: { 'add element': '-A', 'edit element': '-E', 'delete element': '-D' },
  destinations: { 'add element': '-a', 'edit element': '-e', 'delete element': '-d' },
};

/** Without it `sh` refuses the clients of a task of weight 0 (7 of 16 tried, Linux 6.1). */
const flags: Readonly<Partial<Record<Scheduler, string>>> = { sh: ' -b sh-fallback' };

function showLine({ do: verb, element }: IpvsOperation): string {
  const deletes = verb === 'delete element';
  const option = verbs[element.map][verb];
  if (element.map === 'virtual') {
    const policy = `-s ${element.scheduler}${flags[element.scheduler] ?? ''}`;
    return [option, showVirtual(element.key), ...(deletes ? [] : [policy])].join(' ');
  }
  const head = [option, showVirtual(virtualOf(element.key)), '-r', showReal(element.target)];
  return [...head, ...(deletes ? [] : ['-m', '-w', `${element.weight}`])].join(' ');
}

const ipv4 = (text: string): Address => ({ family: 'ip', text });

function showVirtual(key: VirtualKey): string {
  const read = readVirtualKey(key);
  if ('vip' in read) return `-f ${markOf(ipv4(assertAddress(ipv4(read.vip))))}`;
  return `${read.carrier === 'tcp' ? '-t' : '-u'} ${assertAddress(ipv4(read.address))}:${assertPort(read.port)}`;
}

/** Port 0 is the port that was asked for. */
function showReal({ address, port }: Target): string {
  return `${assertAddress(address)}:${port === undefined ? 0 : assertPort(port)}`;
}
