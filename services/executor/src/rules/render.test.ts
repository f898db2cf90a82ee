import type { Address } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { render } from './render.ts';
import type { PortKey, SlotKey, Spread, ZoneKey } from './rules.ts';
import { ipv4, target } from './sample.ts';
import { type Operation, transactionOf } from './transaction.ts';
import { UnfitForRules } from './words.ts';

const gateway = ipv4('172.18.0.2');
const text = (address: string) => ({ family: 'ip', text: address }) as Address;
const ports = (key: string, address = gateway): Operation => ({
  do: 'add element',
  element: { map: 'ports', key: key as PortKey, gateway: address },
});
const slots = (key: string, at = target(5)): Operation => ({
  do: 'add element',
  element: { map: 'slots', key: key as SlotKey, target: at },
});
const zones = (key: string): Operation => ({
  do: 'add element',
  element: { map: 'zones', key: key as ZoneKey, target: target(5) },
});

test.each<[string, Operation]>([
  ['a port of 0', ports('tcp . 0')],
  ['a port beyond 65535', ports('tcp . 65536')],
  ['a port with a sign', ports('tcp . +80')],
  ['another protocol', ports('sctp . 80')],
  ['a statement behind the port', ports('tcp . 80 } ; flush ruleset')],
  ['a line behind the port', ports('tcp . 80\nflush ruleset')],
  ['a second key', ports('tcp . 80 . 1')],
  ['a set of addresses', ports('tcp . 80', text('10.0.0.1, 10.0.0.2'))],
  ['an address with a prefix', ports('tcp . 80', text('10.0.0.1/24'))],
  ['a name', ports('tcp . 80', text('localhost'))],
  ['octal', ports('tcp . 80', text('010.0.0.1'))],
  ['IPv6', ports('tcp . 80', { family: 'ip6', text: 'fd00::1' })],
  ['a slot below 0', slots('tcp . 80 . -1')],
  ['no slot', slots('tcp . 80')],
  ['a target port of 0', slots('tcp . 80 . 0', { address: gateway, port: 0 })],
  ['half a port', slots('tcp . 80 . 0', { address: gateway, port: 80.5 })],
  [
    'a negative number of endpoints',
    { do: 'add element', element: { map: 'services', key: 'tcp . 80', endpoints: -1 } },
  ],
  ['a zone of 0', zones('udp . 53 . 0')],
  ['a zone beyond 65535', zones('udp . 53 . 65536')],
  ['a zone of a TCP port', zones('tcp . 53 . 1')],
  ['no zones', { do: 'add element', element: { map: 'one-packet', key: 'udp . 53', zones: 0 } }],
  ['a chain of another name', { do: 'add chain', spread: 'tcp-3; flush ruleset' as Spread }],
  ['a chain for none', { do: 'add chain', spread: 'tcp-0' }],
])('%s never reaches the text', (_, operation) => {
  const transaction = transactionOf([operation]);
  expect(() => transaction && render(transaction)).toThrow(UnfitForRules);
});
