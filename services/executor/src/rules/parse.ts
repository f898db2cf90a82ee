import { type Address, parseAddress } from '@fairway/mesh';
import { layoutOf, layoutVersion, readSpread, spreadChain } from './layout.ts';
import {
  type Carrier,
  type Found,
  type HostRules,
  type IngressRules,
  type PortKey,
  portKey,
  type Rules,
  type SlotKey,
  type Spread,
  slotKey,
  type Target,
} from './rules.ts';

type Block = { readonly type: string; readonly name: string; readonly lines: string[]; elements: string[] };
type Kind<R extends Rules> = R['kind'];

/**
 * Reads what `nft list table inet fairway` prints (text of nft 1.0.6; its JSON leaves out the table's comment, where
 * the layout's number is). Never fails: what is not as this layout writes it is told in `foreign`.
 */
export function parseTable(kind: 'host', text: string): Found<HostRules>;
export function parseTable(kind: 'ingress', text: string): Found<IngressRules>;
export function parseTable<R extends Rules>(kind: Kind<R>, text: string): Found<R>;
export function parseTable(kind: Rules['kind'], text: string): Found<Rules> {
  const layout = /^\tcomment "layout (\d+)"$/m.exec(text)?.[1];
  const foreign: string[] = [];
  const blocks = new Map(blocksOf(text).map((block) => [`${block.type} ${block.name}`, block]));
  if (layout === undefined) foreign.push('the table says no layout');
  else if (Number(layout) !== layoutVersion) foreign.push(`the table has layout ${layout}, not ${layoutVersion}`);

  for (const { name, lines } of layoutOf(kind).chains) compare(blocks, `chain ${name}`, lines, foreign);
  for (const { name, type } of layoutOf(kind).maps) compare(blocks, `map ${name}`, [type], foreign);
  const spreads = new Set<Spread>();
  for (const name of blocks.keys()) {
    const spread = kind === 'ingress' ? /^chain spread-((?:tcp|udp)-[1-9]\d*)$/.exec(name)?.[1] : undefined;
    if (spread) {
      spreads.add(spread as Spread);
      compare(blocks, name, spreadChain(spread as Spread).lines, foreign);
    } else if (!known(kind, name)) foreign.push(`${name} is unknown`);
  }

  const read = (map: string) => blocks.get(`map ${map}`)?.elements ?? [];
  const rules = kind === 'host' ? hostRules(read, foreign) : ingressRules(read, spreads, foreign);
  return { rules, layout: layout === undefined ? undefined : Number(layout), foreign };
}

function hostRules(read: (map: string) => readonly string[], foreign: string[]): HostRules {
  const ports = new Map<PortKey, Address>();
  for (const text of read('ports')) {
    const [, carrier, port, gateway = ''] = /^(tcp|udp) \. (\d+) : ([\d.]+)$/.exec(text) ?? [];
    const address = parseAddress(gateway);
    if (address) ports.set(portKey(carrier as Carrier, Number(port)), address);
    else foreign.push(`map ports has ${text}`);
  }
  return { kind: 'host', ports };
}

function ingressRules(
  read: (map: string) => readonly string[],
  spreads: ReadonlySet<Spread>,
  foreign: string[],
): IngressRules {
  const services = new Map<PortKey, number>();
  for (const text of read('services')) {
    const [, carrier, port, chain] =
      /^(tcp|udp) \. (\d+) : (goto refuse|jump spread-(?:tcp|udp)-\d+)$/.exec(text) ?? [];
    const spread =
      chain === 'goto refuse' ? undefined : chain && readSpread(chain.slice('jump spread-'.length) as Spread);
    if (!chain || (spread && spread.carrier !== carrier)) foreign.push(`map services has ${text}`);
    else services.set(portKey(carrier as Carrier, Number(port)), spread ? spread.endpoints : 0);
  }
  const slots = new Map<SlotKey, Target>();
  for (const carrier of ['tcp', 'udp'] as const) {
    for (const text of read(`${carrier}-slots`)) {
      const [, port, slot, address = '', target] = /^(\d+) \. (\d+) : ([\d.]+) \. (\d+)$/.exec(text) ?? [];
      const parsed = parseAddress(address);
      if (!parsed) foreign.push(`map ${carrier}-slots has ${text}`);
      else slots.set(slotKey(portKey(carrier, Number(port)), Number(slot)), { address: parsed, port: Number(target) });
    }
  }
  return { kind: 'ingress', services, slots, spreads };
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
