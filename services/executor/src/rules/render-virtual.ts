import type { Address, Scheduler } from '@fairway/mesh';
import type { IpvsElement } from './element.ts';
import type { Target } from './rules.ts';
import { type IpvsOperation, onIpvs, type Transaction } from './transaction.ts';
import { markOf, readVirtualKey, type VirtualKey, virtualOf } from './virtual-server.ts';
import {
  assertAddress,
  assertCarrier,
  assertMark,
  assertPort,
  assertScheduler,
  assertWeight,
  joined,
  type Words,
  words,
} from './words.ts';

/** Lines for `ipvsadm --restore` before the table changes, and after it. */
export type VirtualLines = { readonly before: readonly Words[]; readonly after: readonly Words[] };

/** @throws UnfitForRules */
export function renderVirtual(transaction: Pick<Transaction, 'operations'>): VirtualLines {
  const { before, after } = onIpvs(transaction);
  return { before: before.map(showLine), after: after.map(showLine) };
}

const verbs: Readonly<Record<IpvsElement['map'], Readonly<Record<IpvsOperation['do'], Words>>>> = {
  virtual: { 'add element': words`-A`, 'edit element': words`-E`, 'delete element': words`-D` },
  destinations: { 'add element': words`-a`, 'edit element': words`-e`, 'delete element': words`-d` },
};

/** Without it `sh` refuses the clients of a task of weight 0 (7 of 16 tried, Linux 6.1). */
const flags: Readonly<Partial<Record<Scheduler, Words>>> = { sh: words` -b sh-fallback` };

function showLine({ do: verb, element }: IpvsOperation): Words {
  const deletes = verb === 'delete element';
  const option = verbs[element.map][verb];
  const space = words` `;
  if (element.map === 'virtual') {
    const policy = words`-s ${assertScheduler(element.scheduler)}${flags[element.scheduler] ?? words``}`;
    return joined([option, showVirtual(element.key), ...(deletes ? [] : [policy])], space);
  }
  const head = [option, showVirtual(virtualOf(element.key)), words`-r`, showReal(element.target)];
  return joined([...head, ...(deletes ? [] : [words`-m -w ${assertWeight(element.weight)}`])], space);
}

const ipv4 = (text: string): Address => ({ family: 'ip', text });

function showVirtual(key: VirtualKey): Words {
  const read = readVirtualKey(key);
  if ('vip' in read) {
    const vip = ipv4(read.vip);
    assertAddress(vip);
    return words`-f ${assertMark(markOf(vip))}`;
  }
  const option = assertCarrier(read.carrier) === 'tcp' ? words`-t` : words`-u`;
  return words`${option} ${assertAddress(ipv4(read.address))}:${assertPort(read.port)}`;
}

/** Port 0 is the port that was asked for. */
function showReal({ address, port }: Target): Words {
  return words`${assertAddress(address)}:${port === undefined ? words`0` : assertPort(port)}`;
}
