import { type Address, parseAddress } from '@fairway/mesh';
import {
  layoutComment,
  layoutOf,
  refusal,
  refusalMark,
  showMark,
  spreadChain,
  type TableName,
  tableName,
} from './layout.ts';
import { carriers, matchOf, type Rules, readVipKey, type Spread, type VipKey } from './rules.ts';
import {
  isOnIpvs,
  type ShapeOperation,
  type TableElement,
  type TableOperation,
  type Transaction,
} from './transaction.ts';
import { markOf } from './virtual-server.ts';

/** A value that must never reach a kernel: not an address, port, slot or protocol. A fault in the program above. */
export class UnfitForRules extends Error {
  readonly what: string;
  readonly value: string;

  constructor(what: string, value: string) {
    super(`not ${what}: ${JSON.stringify(value)}`);
    this.name = 'UnfitForRules';
    this.what = what;
    this.value = value;
  }
}

/**
 * By which Fairway knows its own routes (iproute2, rt_protos: none that anybody has named). The kernel's, for addresses
 * that Docker gave, are never taken away.
 */
export const routeProtocol = '77';

/**
 * A transaction's virtual IPs as input of `ip -batch`, empty where it has none: a local route for each, by which the
 * sandbox answers for it as for an address of its own. Nothing but asserted addresses reaches the text.
 * @throws UnfitForRules
 */
export function renderRoutes({ operations }: Pick<Transaction, 'operations'>): string {
  return operations
    .map((operation) => {
      if (!('element' in operation) || operation.element.map !== 'vips') return '';
      // `add` would be refused beside the kernel's route for an address that Docker gave.
      const verb = operation.do === 'add element' ? 'append' : 'del';
      const vip = assertAddress(readVipKey(operation.element.key));
      return `route ${verb} local ${vip}/32 dev eth0 table local proto ${routeProtocol}\n`;
    })
    .join('');
}

/**
 * A transaction's part of the table as input of `nft -f`, which makes one kernel transaction of it; empty where it has
 * none. Nothing but asserted ports, slots, protocols and addresses reaches the text.
 * @throws UnfitForRules
 */
export function render({ operations }: Pick<Transaction, 'operations'>, table: TableName = tableName): string {
  const lines: string[] = [];
  const ofTable = operations.filter(
    (operation): operation is TableOperation =>
      !isOnIpvs(operation) && !('element' in operation && operation.element.map === 'vips'),
  );
  for (let at = 0; at < ofTable.length; ) {
    const operation = ofTable[at] as TableOperation;
    if ('element' in operation) {
      const place = placeOf(operation.element);
      let end = at;
      const elements: string[] = [];
      const refused: string[] = [];
      for (; end < ofTable.length; end += 1) {
        const next = ofTable[end] as TableOperation;
        if (!('element' in next) || next.do !== operation.do || placeOf(next.element) !== place) break;
        const key = showKey(next.element);
        elements.push(next.do === 'add element' ? `${key} : ${showValue(next.element)}` : key);
        if (place === 'ports') refused.push(next.do === 'add element' ? `${key} : ${refusal}` : key);
      }
      lines.push(...statement(`${operation.do} inet ${table} ${place}`, elements));
      if (refused.length > 0) lines.push(...statement(`${operation.do} inet ${table} refused`, refused));
      at = end;
      continue;
    }
    lines.push(...renderLayout(operation, table));
    at += 1;
  }
  return lines.map((line) => `${line}\n`).join('');
}

function statement(head: string, elements: readonly string[]): string[] {
  if (elements.length === 1) return [`${head} { ${elements[0]} }`];
  return [`${head} {`, `\t${elements.join(',\n\t')}`, '}'];
}

function renderLayout(operation: ShapeOperation, table: TableName): string[] {
  switch (operation.do) {
    case 'delete table':
      return [`delete table inet ${table}`];
    case 'add table':
      return renderTable(operation.kind, table);
    case 'delete chain':
      return [`delete chain inet ${table} spread-${assertSpread(operation.spread)}`];
    case 'add chain': {
      const { name, lines } = spreadChain(assertSpread(operation.spread));
      return [`add chain inet ${table} ${name}`, ...lines.map((line) => `add rule inet ${table} ${name} ${line}`)];
    }
  }
}

function renderTable(kind: Rules['kind'], table: TableName): string[] {
  const { maps, chains } = layoutOf(kind);
  return [
    `table inet ${table} {`,
    `\tcomment "${layoutComment(kind)}"`,
    ...maps.flatMap(({ name, type }) => [`\tmap ${name} {`, `\t\t${type}`, '\t}']),
    ...chains.flatMap(({ name, lines }) => [`\tchain ${name} {`, ...lines.map((line) => `\t\t${line}`), '\t}']),
    '}',
  ];
}

function placeOf(element: TableElement): string {
  return element.map === 'slots' ? `${assertMatch(matchOf(element.key))}-slots` : element.map;
}

/** A key as its map has it: `tcp . 8000`, and without the match where the map is for one match only. */
function showKey(element: TableElement): string {
  const parts = element.key.split(' . ');
  const slot =
    element.map === 'slots'
      ? [assertNumber('a slot', parts.pop() ?? '', 0)]
      : element.map === 'zones'
        ? [assertNumber('a zone', parts.pop() ?? '', 1)]
        : [];
  const [match = '', place = '', ...rest] = parts;
  if (rest.length > 0) throw new UnfitForRules('a published port or virtual IP', element.key);
  if (match === 'ip') return [assertVip(place), ...slot].join(' . ');
  const port = assertNumber('a port', place, 1);
  if (element.map === 'slots') return [port, ...slot].join(' . ');
  if (element.map !== 'one-packet' && element.map !== 'zones') return `${assertCarrier(match)} . ${port}`;
  if (match !== 'udp') throw new UnfitForRules('a port of datagrams', element.key);
  return [port, ...slot].join(' . ');
}

function showValue(element: TableElement): string {
  switch (element.map) {
    case 'ports':
      return assertAddress(element.gateway);
    case 'services': {
      if (element.endpoints === 0) return refusal;
      return `jump spread-${assertSpread(`${matchOf(element.key)}-${element.endpoints}`)}`;
    }
    case 'one-packet':
      return `goto spread-${assertSpread(`zone-${element.zones}`)}`;
    case 'slots':
    case 'zones': {
      const { address, port } = element.target;
      return [assertAddress(address), ...(port === undefined ? [] : [assertPort(port)])].join(' . ');
    }
    case 'verdicts': {
      if (matchOf(element.key) !== 'ip') return element.verdict === 'refuse' ? refusal : 'goto balance';
      const vip = readVipKey(element.key as VipKey);
      return showMark(element.verdict === 'refuse' ? refusalMark : markOf(vip));
    }
    case 'vips':
      throw new UnfitForRules('an entry of a map', element.key);
  }
}

function assertVip(text: string): string {
  return assertAddress({ family: 'ip', text });
}

function assertCarrier(text: string): string {
  if (!carriers.some((carrier) => carrier === text)) throw new UnfitForRules('a protocol', text);
  return text;
}

function assertMatch(text: string): string {
  return text === 'ip' ? text : assertCarrier(text);
}

function assertNumber(what: string, text: string, least: number): string {
  if (!/^(0|[1-9]\d{0,4})$/.test(text) || Number(text) < least || Number(text) > 65535)
    throw new UnfitForRules(what, text);
  return text;
}

function assertSpread(spread: string): Spread {
  const [match = '', endpoints = '', ...rest] = spread.split('-');
  if (rest.length > 0) throw new UnfitForRules('a chain', spread);
  if (match !== 'zone') assertMatch(match);
  assertNumber('a number of endpoints', endpoints, 1);
  return spread as Spread;
}

/** @throws UnfitForRules */
export function assertZone(zone: number): string {
  return assertNumber('a zone', String(zone), 1);
}

/** @throws UnfitForRules */
export function assertPort(port: number): string {
  return assertNumber('a port', String(port), 1);
}

/** @throws UnfitForRules */
export function assertAddress(address: Address): string {
  const read = parseAddress(address.text);
  if (read?.family !== 'ip' || address.family !== 'ip' || read.text !== address.text)
    throw new UnfitForRules('an IPv4 address', address.text);
  return address.text;
}
