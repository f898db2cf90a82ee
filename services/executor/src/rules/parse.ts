import { type Address, parseAddress } from '@fairway/mesh';
import {
  layoutComment,
  layoutOf,
  layoutVersion,
  matchesOf,
  readSpread,
  refusal,
  refusalMark,
  spreadChain,
} from './layout.ts';
import type { FoundVirtual } from './parse-virtual.ts';
import {
  type Carrier,
  type Found,
  type HostRules,
  type IpvsSandboxRules,
  isPortKey,
  type Match,
  matchOf,
  type NftSandboxRules,
  type OnePacket,
  type PortKey,
  portKey,
  type Rules,
  readVipKey,
  type SandboxRules,
  type ServiceKey,
  type SlotKey,
  type Spread,
  slotKey,
  type Target,
  type Verdict,
  type VipKey,
  vipKey,
  type ZoneKey,
} from './rules.ts';
import { markOf } from './virtual-server.ts';
import { showMark } from './words.ts';

type Block = { readonly type: string; readonly name: string; readonly lines: string[]; elements: string[] };
type Kind<R extends Rules> = R['kind'];

/** What a sandbox has beside its table: a network's virtual IPs, and the virtual services of IPVS. */
export type Beside = { readonly vips?: ReadonlySet<VipKey>; readonly virtual?: FoundVirtual };

/**
 * Reads what `nft list table inet fairway` prints (text of nft 1.0.6; its JSON leaves out the table's comment, where
 * the layout's number is). Never fails: what is not as this layout writes it is told in `foreign`. What is beside the
 * table comes as given.
 */
export function parseTable<R extends Rules>(kind: Kind<R>, text: string, beside: Beside = {}): Found<R> {
  const comment = /^\tcomment "(.*)"$/m.exec(text)?.[1];
  const [, layout, more = ''] = /^layout (\d+)(.*)$/.exec(comment ?? '') ?? [];
  const foreign: string[] = [...(beside.virtual?.foreign ?? [])];
  const blocks = new Map(blocksOf(text).map((block) => [`${block.type} ${block.name}`, block]));
  if (layout === undefined) foreign.push('the table says no layout');
  else if (Number(layout) === layoutVersion && comment !== layoutComment(kind))
    foreign.push(`the table has the layout${more || ' for nftables'}`);
  else if (Number(layout) !== layoutVersion) foreign.push(`the table has layout ${layout}, not ${layoutVersion}`);

  for (const { name, lines } of layoutOf(kind).chains) compare(blocks, `chain ${name}`, lines, foreign);
  for (const { name, type } of layoutOf(kind).maps) compare(blocks, `map ${name}`, [type], foreign);
  const matches = matchesOf(kind);
  const spreads = new Set<Spread>();
  for (const name of blocks.keys()) {
    const [, spread, match] = /^chain spread-((tcp|udp|ip|zone)-[1-9]\d*)$/.exec(name) ?? [];
    if (spread && (matches.includes(match as Match) || (match === 'zone' && kind !== 'host'))) {
      spreads.add(spread as Spread);
      compare(blocks, name, spreadChain(spread as Spread).lines, foreign);
    } else if (!known(kind, name)) foreign.push(`${name} is unknown`);
  }

  const read = (map: string) => blocks.get(`map ${map}`)?.elements ?? [];
  const rules = kind === 'host' ? hostRules(read, foreign) : sandboxRules(kind, read, spreads, beside, foreign);
  const isOther = Number(layout) === layoutVersion && comment !== layoutComment(kind);
  return { rules: rules as R, layout: layout === undefined || isOther ? undefined : Number(layout), foreign };
}

function hostRules(read: (map: string) => readonly string[], foreign: string[]): HostRules {
  const ports = new Map<PortKey, Address>();
  for (const text of read('ports')) {
    const [, carrier, port, gateway = ''] = /^(tcp|udp) \. (\d+) : ([\d.]+)$/.exec(text) ?? [];
    const address = parseAddress(gateway);
    if (address) ports.set(portKey(carrier as Carrier, Number(port)), address);
    else foreign.push(`map ports has ${text}`);
  }
  const refused = new Set(read('refused'));
  for (const key of ports.keys()) {
    if (!refused.delete(`${key} : ${refusal}`)) foreign.push(`map refused lacks ${key}`);
  }
  for (const text of refused) foreign.push(`map refused has ${text}`);
  return { kind: 'host', ports };
}

function sandboxRules(
  kind: SandboxRules['kind'],
  read: (map: string) => readonly string[],
  spreads: ReadonlySet<Spread>,
  { vips = new Set(), virtual: { virtual } = { virtual: new Map(), foreign: [] } }: Beside,
  foreign: string[],
): SandboxRules {
  const ofZones = new Set([...spreads].filter((spread) => readSpread(spread).match === 'zone'));
  const onePacket = readOnePacket(kind, read, ofZones, foreign);
  if (kind !== 'ingress' && kind !== 'network') {
    const verdicts = readVerdicts(kind, read('verdicts'), foreign);
    const balancer = { verdicts, virtual, ...onePacket };
    return kind === 'ipvs-network' ? { kind, ...balancer, vips } : { kind, ...balancer };
  }
  const services = new Map<ServiceKey, number>();
  for (const text of read('services')) {
    const [, place = '', chain] = /^(.+) : (goto refuse|jump spread-(?:tcp|udp|ip)-\d+)$/.exec(text) ?? [];
    const key = readService(kind, place);
    const spread =
      chain === 'goto refuse' ? undefined : chain && readSpread(chain.slice('jump spread-'.length) as Spread);
    if (!chain || !key || (spread && spread.match !== matchOf(key))) foreign.push(`map services has ${text}`);
    else services.set(key, spread ? spread.endpoints : 0);
  }
  const slots = new Map<SlotKey, Target>();
  for (const match of matchesOf(kind)) {
    for (const text of read(`${match}-slots`)) {
      const slot = readSlot(kind, match, text);
      if (slot) slots.set(slot.key, slot.target);
      else foreign.push(`map ${match}-slots has ${text}`);
    }
  }
  const balancer = { services, slots, spreads: spreads.difference(ofZones), ...onePacket };
  return kind === 'network' ? { kind, ...balancer, vips } : { kind, ...balancer };
}

/** `8000 : goto spread-zone-2`, and of zones `8000 . 1 : 10.0.0.5 . 80`; in a network's sandbox by address. */
function readOnePacket(
  kind: SandboxRules['kind'],
  read: (map: string) => readonly string[],
  spreads: ReadonlySet<Spread>,
  foreign: string[],
): { readonly onePacket?: OnePacket } {
  const place = kind === 'ingress' || kind === 'ipvs-ingress' ? 'ingress' : 'network';
  const match = place === 'ingress' ? 'udp' : 'ip';
  const services = new Map<ServiceKey, number>();
  for (const text of read('one-packet')) {
    const [, where = '', zones] = /^([\d.]+) : goto spread-zone-(\d+)$/.exec(text) ?? [];
    const key = readService(place, place === 'ingress' ? `${match} . ${where}` : where);
    if (zones && key) services.set(key, Number(zones));
    else foreign.push(`map one-packet has ${text}`);
  }
  const zones = new Map<ZoneKey, Target>();
  for (const text of read('zones')) {
    const zone = readSlot(place, match, text);
    if (zone) zones.set(zone.key, zone.target);
    else foreign.push(`map zones has ${text}`);
  }
  return services.size + zones.size + spreads.size > 0 ? { onePacket: { services, zones, spreads } } : {};
}

/** `tcp . 8000 : goto balance` in the ingress sandbox; in a network's `10.0.1.5 : 0x0a000105`, its own mark. */
function readVerdicts(
  kind: IpvsSandboxRules['kind'],
  elements: readonly string[],
  foreign: string[],
): ReadonlyMap<ServiceKey, Verdict> {
  const verdicts = new Map<ServiceKey, Verdict>();
  for (const text of elements) {
    const [place = '', said = ''] = text.split(' : ');
    const key = readService(kind === 'ipvs-network' ? 'network' : 'ingress', place);
    const balances = key && (isPortKey(key) ? 'goto balance' : showMark(markOf(readVipKey(key))));
    const refuses = key && (isPortKey(key) ? refusal : showMark(refusalMark));
    if (key && said === balances) verdicts.set(key, 'balance');
    else if (key && said === refuses) verdicts.set(key, 'refuse');
    else foreign.push(`map verdicts has ${text}`);
  }
  return verdicts;
}

/** `tcp . 8000` in the ingress sandbox, `10.0.1.5` in a network's. */
function readService(kind: NftSandboxRules['kind'], text: string): ServiceKey | undefined {
  if (kind === 'network') {
    const vip = parseAddress(text);
    return vip?.family === 'ip' ? vipKey(vip) : undefined;
  }
  const [, carrier, port] = /^(tcp|udp) \. (\d+)$/.exec(text) ?? [];
  return carrier ? portKey(carrier as Carrier, Number(port)) : undefined;
}

/** `8000 . 0 : 10.0.0.5 . 80` in the ingress sandbox, `10.0.1.5 . 0 : 10.0.1.6` in a network's. */
function readSlot(
  kind: NftSandboxRules['kind'],
  match: Match,
  text: string,
): { readonly key: SlotKey; readonly target: Target } | undefined {
  const [, place = '', slot, to = '', port] = /^([\d.]+) \. (\d+) : ([\d.]+)(?: \. (\d+))?$/.exec(text) ?? [];
  const service = readService(kind, kind === 'network' ? place : `${match} . ${place}`);
  const address = parseAddress(to);
  if (!service || !address || (port === undefined) !== (kind === 'network')) return undefined;
  const key = slotKey(service, Number(slot));
  return { key, target: port === undefined ? { address } : { address, port: Number(port) } };
}

function known(kind: Rules['kind'], name: string): boolean {
  const { chains, maps } = layoutOf(kind);
  return chains.some((chain) => name === `chain ${chain.name}`) || maps.some((map) => name === `map ${map.name}`);
}

function compare(blocks: ReadonlyMap<string, Block>, name: string, lines: readonly string[], foreign: string[]): void {
  const found = blocks.get(name);
  if (!found) {
    foreign.push(`${name} is missing`);
    return;
  }
  if (found.lines.join('\n') !== lines.join('\n')) {
    const extra = found.lines.filter((line) => !lines.includes(line));
    const missing = lines.filter((line) => !found.lines.includes(line));
    const told = [...extra.map((line) => `has ${line}`), ...missing.map((line) => `lacks ${line}`)];
    foreign.push(`${name} ${told.length > 0 ? told.join(', ') : 'has its rules in another order'}`);
  }
}

/** The blocks of a table by indentation, which nft keeps: one tab for a block, two and more for what is in it. */
function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let elements: string | undefined;
  for (const line of text.split('\n')) {
    const head = /^\t(\w+) (\S+) \{$/.exec(line);
    if (head) {
      open = { type: head[1] as string, name: head[2] as string, lines: [], elements: [] };
      blocks.push(open);
    } else if (line === '\t}') open = undefined;
    else if (open) {
      const content = line.trim();
      if (elements === undefined && !content.startsWith('elements = {')) {
        if (content !== '') open.lines.push(content);
        continue;
      }
      elements = (elements ?? '') + content.replace(/^elements = \{/, '');
      if (!content.endsWith('}')) continue;
      open.elements = elements
        .slice(0, -1)
        .split(',')
        .map((element) => element.trim());
      elements = undefined;
    }
  }
  return blocks;
}
