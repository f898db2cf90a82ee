import type { Address } from '@fairway/mesh';
import { readSpread, tableName } from '../rules/layout.ts';
import {
  type PortKey,
  type Rules,
  type ServiceKey,
  type SlotKey,
  type Spread,
  showTarget,
  spreadOf,
  type Target,
  type Verdict,
  type VipKey,
  type ZoneKey,
} from '../rules/rules.ts';
import { isOnIpvs, type TableOperation, type Transaction } from '../rules/transaction.ts';
import { copyServers, type VirtualServers } from './stand-in-ipvs.ts';

/** Fairway's table in a namespace of the stand-in. */
export type Table = {
  kind: Rules['kind'];
  ports: Map<PortKey, Address>;
  services: Map<ServiceKey, number>;
  verdicts: Map<ServiceKey, Verdict>;
  slots: Map<SlotKey, Target>;
  spreads: Set<Spread>;
  'one-packet': Map<ServiceKey, number>;
  zones: Map<ZoneKey, Target>;
  vips: Map<VipKey, true>;
  foreign: string[];
};

/** A table with nothing in it. */
export function emptyTable(kind: Rules['kind']): Table {
  return {
    kind,
    ports: new Map(),
    services: new Map(),
    verdicts: new Map(),
    slots: new Map(),
    spreads: new Set(),
    'one-packet': new Map(),
    zones: new Map(),
    vips: new Map(),
    foreign: [],
  };
}

/** A table that can be changed while the other stays; what is in the maps is replaced and never changed. */
function copyTable(table: Table): Table {
  return {
    kind: table.kind,
    ports: new Map(table.ports),
    services: new Map(table.services),
    verdicts: new Map(table.verdicts),
    slots: new Map(table.slots),
    spreads: new Set(table.spreads),
    'one-packet': new Map(table['one-packet']),
    zones: new Map(table.zones),
    vips: new Map(table.vips),
    foreign: [...table.foreign],
  };
}

/** The table after all operations that are on it, or the kernel's word for why none of them takes effect. */
export function changedBy(
  before: Table | undefined,
  { operations }: Transaction,
): { table: Table | undefined } | string {
  let table = before && copyTable(before);
  for (const operation of operations) {
    if (isOnIpvs(operation)) continue;
    const result = perform(table, operation);
    if (typeof result === 'string') return result;
    table = result.table;
  }
  if (!table) return { table };
  const needed = [
    ...[...table.services].filter(([, n]) => n > 0).map(([key, n]) => spreadOf(key, n)),
    ...[...table['one-packet'].values()].map((n): Spread => `zone-${n}`),
  ];
  return needed.every((spread) => table.spreads.has(spread)) ? { table } : 'Device or resource busy';
}

/** The table after one operation, or the kernel's word for why not. */
function perform(table: Table | undefined, operation: TableOperation): { table: Table | undefined } | string {
  if (operation.do === 'add table') {
    if (table) return 'File exists';
    return { table: emptyTable(operation.kind) };
  }
  if (!table) return 'No such file or directory';
  switch (operation.do) {
    case 'delete table':
      return { table: undefined };
    case 'add chain':
      if (table.spreads.has(operation.spread)) return 'File exists';
      table.spreads.add(operation.spread);
      return { table };
    case 'delete chain':
      return table.spreads.delete(operation.spread) ? { table } : 'No such file or directory';
    case 'delete element': {
      const { element } = operation;
      const entries: Map<string, unknown> = table[element.map];
      if (element.map === 'vips') entries.delete(element.key);
      else if (!entries.delete(element.key)) return 'No such file or directory';
      return { table };
    }
    case 'add element': {
      const { element } = operation;
      const entries: Map<string, unknown> = table[element.map];
      if (element.map !== 'vips' && entries.has(element.key)) return 'File exists';
      if (element.map === 'services' && element.endpoints > 0) {
        if (!table.spreads.has(spreadOf(element.key, element.endpoints))) return 'No such file or directory';
      }
      if (element.map === 'one-packet' && !table.spreads.has(`zone-${element.zones}`))
        return 'No such file or directory';
      if (element.map === 'ports') entries.set(element.key, element.gateway);
      else if (element.map === 'services') entries.set(element.key, element.endpoints);
      else if (element.map === 'one-packet') entries.set(element.key, element.zones);
      else if (element.map === 'vips') entries.set(element.key, true);
      else if (element.map === 'verdicts') entries.set(element.key, element.verdict);
      else entries.set(element.key, element.target);
      return { table };
    }
  }
}

/** The rules that a table and the virtual services of its namespace are. */
export function rulesOf(table: Table, servers: VirtualServers): Rules {
  const { kind, ports, services, slots, spreads: chains, verdicts, zones, ...held } = copyTable(table);
  const ofZones = new Set([...chains].filter((spread) => readSpread(spread).match === 'zone'));
  const spreads = chains.difference(ofZones);
  const packets = held['one-packet'];
  const onePacket =
    packets.size + zones.size + ofZones.size > 0
      ? { onePacket: { services: packets, zones, spreads: ofZones } }
      : undefined;
  const vips = new Set(held.vips.keys());
  const virtual = copyServers(servers);
  switch (kind) {
    case 'host':
      return { kind, ports };
    case 'ingress':
      return { kind, services, slots, spreads, ...onePacket };
    case 'network':
      return { kind, services, slots, spreads, vips, ...onePacket };
    case 'ipvs-ingress':
      return { kind, verdicts, virtual, ...onePacket };
    case 'ipvs-network':
      return { kind, verdicts, virtual, vips, ...onePacket };
  }
}

/** The table's elements, each in nft's words, though without the chains around them. */
export function listing({ ports, services, slots, verdicts }: Table): string {
  const lines = [
    ...[...verdicts].map(([key, verdict]) => `${key} : goto ${verdict}`),
    ...[...ports].map(([key, gateway]) => `${key} : ${gateway.text}`),
    ...[...services].map(([key, n]) => `${key} : ${n > 0 ? `jump spread-${spreadOf(key, n)}` : 'goto refuse'}`),
    ...[...slots].map(([key, target]) => `${key} : ${showTarget(target).replace(':', ' . ')}`),
  ];
  return `table inet ${tableName} {\n${lines.map((line) => `\t${line}\n`).join('')}}\n`;
}
