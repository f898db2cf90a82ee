import type { Address, Scheduler } from '@fairway/mesh';
import {
  type PortKey,
  type Rules,
  type ServiceKey,
  type SlotKey,
  showTarget,
  type Target,
  type Verdict,
  type VipKey,
  type ZoneKey,
} from './rules.ts';
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

export function isOfIpvs(element: Element): element is IpvsElement {
  return element.map === 'virtual' || element.map === 'destinations';
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

/** Whether the other one, if there is one, is the same and says the same. */
export function sameElement(a: Element, b: Element | undefined): boolean {
  return b !== undefined && a.map === b.map && a.key === b.key && showValue(a) === showValue(b);
}

/** What an element says besides its key. */
export function showValue(element: Element): string {
  switch (element.map) {
    case 'ports':
      return element.gateway.text;
    case 'services':
      return `${element.endpoints}`;
    case 'slots':
    case 'zones':
      return showTarget(element.target);
    case 'one-packet':
      return `${element.zones}`;
    case 'verdicts':
      return element.verdict;
    case 'virtual':
      return element.scheduler;
    case 'destinations':
      return `${element.weight}`;
    case 'vips':
      return '';
  }
}
