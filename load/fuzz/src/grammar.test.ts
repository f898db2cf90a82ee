import { expect, test } from 'vitest';
import { type Program, strayLines } from './grammar.ts';

test.each<[Program, string]>([
  ['nft', 'add element inet fairway ports { tcp . 8000 : 10.0.0.1 } ; flush ruleset'],
  ['nft', 'add element inet fairway ports { tcp . 8000 : 10.0.0.1, 10.0.0.2 }'],
  ['nft', 'add element inet other ports { tcp . 8000 : 10.0.0.1 }'],
  ['nft', '\t8000 . 0 : 10.0.0.256 . 80'],
  ['nft', '\ttcp . 8000 : jump x'],
  ['nft', 'flush ruleset'],
  ['nft', '\t\tmeta mark set $x'],
  ['ip', 'route append local 10.0.1.1/32 dev eth0 table local proto 77; x'],
  ['ip', 'link set eth0 down'],
  ['ipvsadm', '-A -t 10.0.0.1:80 -s rr -b x'],
  ['ipvsadm', '-C'],
  ['conntrack', '-F'],
  ['conntrack', '-p tcp --reply-src 10.0.0.1 -o xml'],
])('%s is not to be given: %s', (program, line) => {
  expect(strayLines(program, `${line}\n`)).toEqual([line]);
});
