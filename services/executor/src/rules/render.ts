import type { TableElement } from './element.ts';
import { layoutComment, layoutOf, refusal, refusalMark, spreadChain, tableName } from './layout.ts';
import { matchOf, type Rules, readVipKey, type VipKey } from './rules.ts';
import { isOnIpvs, type ShapeOperation, type TableOperation, type Transaction } from './transaction.ts';
import { markOf } from './virtual-server.ts';
import {
  assertAddress,
  assertCarrier,
  assertMatch,
  assertNumber,
  assertPort,
  assertSpread,
  joined,
  showMark,
  UnfitForRules,
  type Words,
  words,
} from './words.ts';

/**
 * By which Fairway knows its own routes (iproute2, rt_protos: none that anybody has named). The kernel's, for addresses
 * that Docker gave, are never taken away.
 */
export const routeProtocol = words`77`;

/**
 * A transaction's virtual IPs as input of `ip -batch`, empty where it has none: a local route for each, by which the
 * sandbox answers for it as for an address of its own.
 * @throws UnfitForRules
 */
export function renderRoutes({ operations }: Pick<Transaction, 'operations'>): Words {
  return joined(
    operations.flatMap((operation) => {
      if (!('element' in operation) || operation.element.map !== 'vips') return [];
      // `add` would be refused beside the kernel's route for an address that Docker gave.
      const verb = operation.do === 'add element' ? words`append` : words`del`;
      const vip = assertAddress(readVipKey(operation.element.key));
      return [words`route ${verb} local ${vip}/32 dev eth0 table local proto ${routeProtocol}\n`];
    }),
    words``,
  );
}

/**
 * A transaction's part of the table as input of `nft -f`, which makes one kernel transaction of it; empty where it has
 * none.
 * @throws UnfitForRules
 */
export function render({ operations }: Pick<Transaction, 'operations'>, table: Words = tableName): Words {
  const lines: Words[] = [];
  const ofTable = operations.filter(
    (operation): operation is TableOperation =>
      !isOnIpvs(operation) && !('element' in operation && operation.element.map === 'vips'),
  );
  for (let at = 0; at < ofTable.length; ) {
    const operation = ofTable[at] as TableOperation;
    if ('element' in operation) {
      const place = placeOf(operation.element);
      let end = at;
      const elements: Words[] = [];
      const refused: Words[] = [];
      for (; end < ofTable.length; end += 1) {
        const next = ofTable[end] as TableOperation;
        if (!('element' in next) || next.do !== operation.do || placeOf(next.element) !== place) break;
        const key = showKey(next.element);
        elements.push(next.do === 'add element' ? words`${key} : ${showValue(next.element)}` : key);
        if (place === 'ports') refused.push(next.do === 'add element' ? words`${key} : ${refusal}` : key);
      }
      const verb = operation.do === 'add element' ? words`add element` : words`delete element`;
      lines.push(...statement(words`${verb} inet ${table} ${place}`, elements));
      if (refused.length > 0) lines.push(...statement(words`${verb} inet ${table} refused`, refused));
      at = end;
      continue;
    }
    lines.push(...renderLayout(operation, table));
    at += 1;
  }
  return joined(
    lines.map((line) => words`${line}\n`),
    words``,
  );
}

function statement(head: Words, elements: readonly Words[]): Words[] {
  const [first, ...more] = elements;
  if (first !== undefined && more.length === 0) return [words`${head} { ${first} }`];
  return [words`${head} {`, words`\t${joined(elements, words`,\n\t`)}`, words`}`];
}

function renderLayout(operation: ShapeOperation, table: Words): Words[] {
  switch (operation.do) {
    case 'delete table':
      return [words`delete table inet ${table}`];
    case 'add table':
      return renderTable(operation.kind, table);
    case 'delete chain':
      return [words`delete chain inet ${table} spread-${assertSpread(operation.spread)}`];
    case 'add chain': {
      const { name, lines } = spreadChain(operation.spread);
      return [
        words`add chain inet ${table} ${name}`,
        ...lines.map((line) => words`add rule inet ${table} ${name} ${line}`),
      ];
    }
  }
}

function renderTable(kind: Rules['kind'], table: Words): Words[] {
  const { maps, chains } = layoutOf(kind);
  return [
    words`table inet ${table} {`,
    words`\tcomment "${layoutComment(kind)}"`,
    ...maps.flatMap(({ name, type }) => [words`\tmap ${name} {`, words`\t\t${type}`, words`\t}`]),
    ...chains.flatMap(({ name, lines }) => [
      words`\tchain ${name} {`,
      ...lines.map((line) => words`\t\t${line}`),
      words`\t}`,
    ]),
    words`}`,
  ];
}

/** The map of the table that an element is in. */
const placesOf = {
  ports: words`ports`,
  services: words`services`,
  verdicts: words`verdicts`,
  'one-packet': words`one-packet`,
  zones: words`zones`,
} as const;

function placeOf({ map, key }: TableElement): Words {
  if (map === 'vips') throw new UnfitForRules('an entry of a map', key);
  return map === 'slots' ? words`${assertMatch(matchOf(key))}-slots` : placesOf[map];
}

/** A key as its map has it: `tcp . 8000`, and without the match where the map is for one match only. */
function showKey(element: TableElement): Words {
  const parts = element.key.split(' . ');
  const slot =
    element.map === 'slots'
      ? [assertNumber('a slot', parts.pop() ?? '', 0)]
      : element.map === 'zones'
        ? [assertNumber('a zone', parts.pop() ?? '', 1)]
        : [];
  const [match = '', place = '', ...rest] = parts;
  if (rest.length > 0) throw new UnfitForRules('a published port or virtual IP', element.key);
  if (match === 'ip') return joined([assertVip(place), ...slot], words` . `);
  const port = assertNumber('a port', place, 1);
  if (element.map === 'slots') return joined([port, ...slot], words` . `);
  if (element.map !== 'one-packet' && element.map !== 'zones') return words`${assertCarrier(match)} . ${port}`;
  if (match !== 'udp') throw new UnfitForRules('a port of datagrams', element.key);
  return joined([port, ...slot], words` . `);
}

function showValue(element: TableElement): Words {
  switch (element.map) {
    case 'ports':
      return assertAddress(element.gateway);
    case 'services': {
      if (element.endpoints === 0) return refusal;
      return words`jump spread-${assertSpread(`${matchOf(element.key)}-${element.endpoints}`)}`;
    }
    case 'one-packet':
      return words`goto spread-${assertSpread(`zone-${element.zones}`)}`;
    case 'slots':
    case 'zones': {
      const { address, port } = element.target;
      return joined([assertAddress(address), ...(port === undefined ? [] : [assertPort(port)])], words` . `);
    }
    case 'verdicts': {
      if (matchOf(element.key) !== 'ip') return element.verdict === 'refuse' ? refusal : words`goto balance`;
      const vip = readVipKey(element.key as VipKey);
      return showMark(element.verdict === 'refuse' ? refusalMark : markOf(vip));
    }
    case 'vips':
      throw new UnfitForRules('an entry of a map', element.key);
  }
}

function assertVip(text: string): Words {
  return assertAddress({ family: 'ip', text });
}
