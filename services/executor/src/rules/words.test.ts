import type { Address, Scheduler } from '@fairway/mesh';
import { expect, test } from 'vitest';
import {
  asOneLine,
  assertAddress,
  assertMark,
  assertMatch,
  assertScheduler,
  assertSpread,
  assertWeight,
  joined,
  showMark,
  UnfitForRules,
  type Words,
  words,
} from './words.ts';

test('words are literals of the source and what was asserted', () => {
  const vip = assertAddress({ family: 'ip', text: '10.0.1.5' });
  expect(words`route append local ${vip}/32\n`).toBe('route append local 10.0.1.5/32\n');
  expect(joined([vip, assertWeight(0)], words` . `)).toBe('10.0.1.5 . 0');
  expect(showMark(0x0a000105)).toBe('0x0a000105');
  expect(assertMark(4_294_967_295)).toBe('4294967295');
});

test('a plain string is none', () => {
  const name: string = 'web';
  // @ts-expect-error: it would not compile
  words`add element ${name}`;
  // @ts-expect-error: it would not compile
  const input: Words = `add element ${name}`;
  expect(input).toBe('add element web');
});

test.each<[string, () => unknown]>([
  ['a weight of less than nothing', () => assertWeight(-1)],
  ['half a weight', () => assertWeight(0.5)],
  ['a mark beyond 32 bits', () => assertMark(2 ** 32)],
  ['a mark that is no number', () => assertMark(Number.NaN)],
  ['an unknown scheduler', () => assertScheduler('rr -b x' as Scheduler)],
  ['a scheduler that is a field of every object', () => assertScheduler('constructor' as Scheduler)],
  ['a match with a line behind', () => assertMatch('ip\nflush ruleset')],
  ['a chain with a line behind', () => assertSpread('tcp-3\n')],
  ['an address with a line behind', () => assertAddress({ family: 'ip', text: '10.0.0.1\n' } as Address)],
])('%s is refused', (_, assertion) => expect(assertion).toThrow(UnfitForRules));

test('statements become one line without tabs', () => {
  expect(asOneLine(words`add element inet t m {\n\t1,\n\t2\n}\nadd chain inet t c\n`)).toBe(
    'add element inet t m { 1, 2 }; add chain inet t c',
  );
});
