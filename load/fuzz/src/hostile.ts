import * as fc from 'fast-check';

/** What would be something else to nft, a shell, a log, a terminal, a subject of NATS, a key or an object of JavaScript. */
const words = [
  '} ; flush ruleset ; {',
  '\nflush ruleset\n',
  '$(reboot)',
  '`reboot`',
  '; rm -rf /',
  '-D -f 1',
  '"',
  "'",
  '\\',
  '#',
  '@ports',
  '$x',
  '*',
  '>',
  'a.b',
  'a b',
  '../..',
  '/',
  '%00',
  '\u0000',
  '\u001b[2J',
  '\u009b31m',
  '\r\n',
  '\u202e',
  '\ud800',
  'ﬀ',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'fairway.scheduler',
  'fairway.one-packet',
  'fairway.mesh',
  '',
  ' ',
  'null',
  'undefined',
  'NaN',
];

const addresses = [
  '10.0.0.1 } ; flush ruleset',
  '10.0.0.1\n10.0.0.2',
  '10.0.0.1, 10.0.0.2',
  '10.0.0.0-10.0.0.9',
  '10.0.0.1/33',
  '10.0.0.1/24/24',
  '010.0.0.1',
  '0x0a000001',
  '10.1',
  '256.0.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '127.0.0.1',
  '224.0.0.1',
  '::',
  '::ffff:10.0.0.1',
  'fe80::1%eth0',
  '[::1]',
  'localhost',
  '１０.0.0.1',
  '10.0.0.1\u0000',
];

const numbers = [0, -0, -1, 0.5, 1, 2, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e308, 1e-9];

/** Names as nobody gives them to services, networks, labels and fields, short and as long as a message. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...words, ...addresses) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('web', ...words), fc.constantFrom(...words)).map((two) => two.join('')),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('a', '"', '\u0000', '日'), fc.constantFrom(64, 257, 4_097, 70_000))
      .map(([one, n]) => one.repeat(n)),
  },
);

const hostileNumber = fc.oneof(
  fc.constantFrom(...numbers),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let at = 0; at < depth; at += 1) value = at % 2 ? { a: value } : [value];
  return value;
}

/** JSON of any type where another is meant: hostile texts and numbers, and what is deep, long or wide. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 4, arbitrary: hostileNumber },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], { '': '' }) },
  { weight: 2, arbitrary: fc.dictionary(hostileText, fc.oneof(hostileText, hostileNumber), { maxKeys: 5 }) },
  { weight: 1, arbitrary: fc.array(hostileText, { maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(17, 500).map(nested) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom<unknown>(0, 'a', {}, []), fc.constantFrom(100, 20_000))
      .map(([one, n]) => new Array(n).fill(one)),
  },
);

/** A field that somebody adds. */
export const hostileField: fc.Arbitrary<string> = fc.oneof(hostileText, fc.nat(5).map(String));
