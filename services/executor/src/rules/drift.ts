import { spreadsIn } from './difference.ts';
import { type Element, elementsOf, sameElement, showValue } from './element.ts';
import { type Found, matchOf, type Rules, readVipKey, spreadOf } from './rules.ts';
import { virtualOf } from './virtual-server.ts';

/**
 * What others did to a namespace between what Fairway left there and what it found later, one sentence each in nft's and
 * IPVS's own terms; empty where nobody did anything. `undefined` is a namespace without a table.
 */
export function driftBetween(left: Found<Rules> | undefined, found: Found<Rules> | undefined): readonly string[] {
  if (!left) return found ? ['there is a table, and was none'] : [];
  const isTableGone = !found || found.missing === true;
  const before = elementsOf(left.rules);
  const now = found ? elementsOf(found.rules) : new Map<string, Element>();
  const told: string[] = [];
  if (isTableGone && !left.missing) told.push('the table is missing');
  for (const [name, element] of before) {
    const other = now.get(name);
    // Nothing is in a table that is not there, and nothing leads to a virtual service that is not.
    if (!other && ((isTableGone && isInTable(element)) || hasNoServer(element, now))) continue;
    if (!other) told.push(`${placeOf(element)} lacks ${show(element)}`);
    else if (!sameElement(element, other)) told.push(`${placeOf(other)} has ${show(other)}, not ${says(element)}`);
  }
  for (const [name, element] of now)
    if (!before.has(name)) told.push(`${placeOf(element)} has ${show(element)}, which is not Fairway's`);
  for (const spread of found ? spreadsIn(found.rules).difference(spreadsIn(left.rules)) : [])
    told.push(`chain spread-${spread} is not Fairway's`);
  const known = new Set(left.foreign);
  return [...told, ...(found?.foreign ?? []).filter((sentence) => !known.has(sentence))];
}

function isInTable({ map }: Element): boolean {
  return map !== 'vips' && map !== 'virtual' && map !== 'destinations';
}

function hasNoServer(element: Element, now: ReadonlyMap<string, Element>): boolean {
  return element.map === 'destinations' && !now.has(`virtual ${virtualOf(element.key)}`);
}

function placeOf(element: Element): string {
  switch (element.map) {
    case 'vips':
      return 'the sandbox';
    case 'virtual':
    case 'destinations':
      return 'IPVS';
    case 'slots':
      return `map ${matchOf(element.key)}-slots`;
    default:
      return `map ${element.map}`;
  }
}

function show(element: Element): string {
  if (element.map === 'vips') return `the virtual IP ${readVipKey(element.key).text}`;
  return `${element.key} : ${says(element)}`;
}

/** What an element says besides its key, as it is written. */
function says(element: Element): string {
  switch (element.map) {
    case 'services':
      return element.endpoints > 0 ? `jump spread-${spreadOf(element.key, element.endpoints)}` : 'goto refuse';
    case 'one-packet':
      return `goto spread-zone-${element.zones}`;
    case 'verdicts':
      return `goto ${element.verdict}`;
    case 'destinations':
      return `weight ${element.weight}`;
    default:
      return showValue(element);
  }
}
