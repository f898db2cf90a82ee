import { type Address, parseAddress, type Scheduler, schedulers } from '@fairway/mesh';
import { type Carrier, carriers, type Match, type Spread } from './rules.ts';

declare const rendered: unique symbol;

/**
 * Input for nft, ip, ipvsadm or conntrack. It consists of literals of the source and of what is asserted below, and
 * nothing else: what takes input for a program takes this type, and a plain string is none.
 */
export type Words = string & { readonly [rendered]: true };

/** The way to make them: a template of the source with words in its places. */
export function words(literals: TemplateStringsArray, ...values: readonly Words[]): Words {
  return literals.reduce((text, literal, at) => text + (values[at - 1] ?? '') + literal) as Words;
}

/** Words one after the other. */
export function joined(parts: readonly Words[], between: Words): Words {
  return parts.join(between) as Words;
}

/**
 * Statements of nft as one line, and so one transaction, for `nft -i`: elements in braces have their own lines. It has no
 * tabs: an nft that was built with readline takes one for the wish to complete the name of a file.
 */
export function asOneLine(statements: Words): Words {
  return statements
    .trim()
    .replaceAll(/\n(?:\t|(?=\}))/g, ' ')
    .replaceAll('\n', '; ') as Words;
}

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

/** A decimal number up to 65535, as nft lists it. @throws UnfitForRules, as all below */
export function assertNumber(what: string, text: string, least: number): Words {
  if (!/^(0|[1-9]\d{0,4})$/.test(text) || Number(text) < least || Number(text) > 65535)
    throw new UnfitForRules(what, text);
  return text as Words;
}

export function assertPort(port: number): Words {
  return assertNumber('a port', String(port), 1);
}

export function assertZone(zone: number): Words {
  return assertNumber('a zone', String(zone), 1);
}

export function assertWeight(weight: number): Words {
  return assertNumber('a weight', String(weight), 0);
}

export function assertAddress(address: Address): Words {
  const read = parseAddress(address.text);
  if (read?.family !== 'ip' || address.family !== 'ip' || read.text !== address.text)
    throw new UnfitForRules('an IPv4 address', address.text);
  return address.text as Words;
}

/** As it is written. */
export function assertIpv4(text: string): Words {
  return assertAddress({ family: 'ip', text });
}

/** A MAC address. */
export function assertMac(text: string): Words {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text)) throw new UnfitForRules('a MAC address', text);
  return text as Words;
}

/** One of an overlay's VXLAN devices. */
export function assertDevice(text: string): Words {
  if (!/^vxlan\d{1,3}$/.test(text)) throw new UnfitForRules('a VXLAN device', text);
  return text as Words;
}

/** A mark as ipvsadm takes it. */
export function assertMark(mark: number): Words {
  if (!Number.isInteger(mark) || mark < 0 || mark > 0xffffffff) throw new UnfitForRules('a mark', String(mark));
  return String(mark) as Words;
}

/** A mark as nft lists it. */
export function showMark(mark: number): Words {
  return `0x${Number(assertMark(mark)).toString(16).padStart(8, '0')}` as Words;
}

export function assertCarrier(text: string): Carrier & Words {
  if (!carriers.some((carrier) => carrier === text)) throw new UnfitForRules('a protocol', text);
  return text as Carrier & Words;
}

export function assertMatch(text: string): Match & Words {
  return text === 'ip' ? (text as 'ip' & Words) : assertCarrier(text);
}

export function assertSpread(spread: string): Spread & Words {
  const [match = '', endpoints = '', ...rest] = spread.split('-');
  if (rest.length > 0) throw new UnfitForRules('a chain', spread);
  if (match !== 'zone') assertMatch(match);
  assertNumber('a number of endpoints', endpoints, 1);
  return spread as Spread & Words;
}

export function assertScheduler(text: Scheduler): Words {
  if (!schedulers.includes(text)) throw new UnfitForRules('a scheduler', text);
  return text as string as Words;
}
