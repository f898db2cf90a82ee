import { expect, test } from 'vitest';
import { difference } from './difference.ts';
import { parseTable } from './parse.ts';
import { render } from './render.ts';
import type { IngressRules } from './rules.ts';
import { eachByItself, hostOf, ingressOf, targets } from './sample.ts';

/** As nft 1.0.6 lists it: maps with their elements wrapped, an empty line between blocks. */
const ingress = `table inet fairway {
	comment "layout 2"
	map services {
		typeof meta l4proto . th dport : verdict
		elements = { udp . 53 : goto refuse,
			     udp . 54 : jump spread-udp-1,
			     tcp . 8000 : jump spread-tcp-2 }
	}

	map tcp-slots {
		typeof tcp dport . numgen random mod 65536 : ip daddr . tcp dport
		elements = { 8000 . 0 : 10.0.0.5 . 80,
			     8000 . 1 : 10.0.0.6 . 80 }
	}

	map udp-slots {
		typeof udp dport . numgen random mod 65536 : ip daddr . udp dport
		elements = { 54 . 0 : 10.0.0.7 . 80 }
	}

	map one-packet {
		typeof udp dport : verdict
		elements = { 54 : goto spread-zone-1 }
	}

	map zones {
		typeof udp dport . ct original zone : ip daddr . udp dport
		elements = { 54 . 1 : 10.0.0.7 . 80 }
	}

	chain refuse {
		meta l4proto tcp reject with tcp reset
		reject
	}

	chain raw {
		type filter hook prerouting priority raw; policy accept;
		iifname != "eth0" meta nfproto ipv4 fib daddr type local udp dport vmap @one-packet
	}

	chain prerouting {
		type nat hook prerouting priority dstnat - 1; policy accept;
		meta nfproto ipv4 fib daddr type local dnat ip to udp dport . ct original zone map @zones
		meta nfproto ipv4 fib daddr type local meta l4proto . th dport vmap @services
		meta nfproto ipv4 fib daddr type local dnat ip to tcp dport . numgen random mod 1 map @tcp-slots
		meta nfproto ipv4 fib daddr type local dnat ip to udp dport . numgen random mod 1 map @udp-slots
	}

	chain postrouting {
		type nat hook postrouting priority srcnat - 1; policy accept;
		ct status dnat masquerade
	}

	chain spread-tcp-2 {
		dnat ip to tcp dport . numgen random mod 2 map @tcp-slots
	}

	chain spread-udp-1 {
		dnat ip to udp dport . numgen random mod 1 map @udp-slots
	}

	chain spread-zone-1 {
		ct original zone set numgen random mod 1 offset 1
	}
}
`;
const wish = ingressOf({ 'udp . 53': [], 'udp . 54': eachByItself(targets(7)), 'tcp . 8000': targets(5, 6) });

test('reads what nft lists', () => {
  const { rules, layout, foreign } = parseTable('ingress', ingress);
  expect({ layout, foreign }).toEqual({ layout: 2, foreign: [] });
  expect(rules).toEqual(difference<IngressRules>(undefined, wish, true).rules);
});

test('reads an empty table of its own', () => {
  const { transaction } = difference(undefined, hostOf(), true);
  const text = transaction ? render(transaction) : '';
  expect(parseTable('host', text)).toEqual({ rules: hostOf(), layout: 2, foreign: [] });
});

test.each([
  ['an older layout', 'layout 2', 'layout 0', 'the table has layout 0, not 2'],
  ['no layout', '\tcomment "layout 2"\n', '', 'the table says no layout'],
  ['an unknown chain', 'chain refuse', 'chain refuses', 'chain refuse is missing'],
  [
    'a rule changed',
    'ct status dnat masquerade',
    'masquerade',
    'chain postrouting has masquerade, lacks ct status dnat masquerade',
  ],
  ['a rule more', '\t\treject\n', '\t\treject\n\t\tcounter\n', 'chain refuse has counter'],
  ['a rule doubled', '\t\treject\n', '\t\treject\n\t\treject\n', 'chain refuse has its rules in another order'],
  ['another hook', 'priority srcnat - 1', 'priority srcnat', 'chain postrouting has type nat'],
  ['a map of another type', 'verdict', 'ip daddr', 'map services has typeof meta l4proto . th dport : ip daddr'],
  ['a verdict of another kind', 'goto refuse', 'drop', 'map services has udp . 53 : drop'],
  [
    'a chain of the other protocol',
    'udp . 53 : goto refuse',
    'udp . 53 : jump spread-tcp-2',
    'map services has udp . 53',
  ],
  [
    'an element of another form',
    '8000 . 0 : 10.0.0.5 . 80',
    '8000 . 0 timeout 5s : 10.0.0.5 . 80',
    'map tcp-slots has 8000 . 0 timeout 5s',
  ],
  [
    'a spread with other numbers',
    'random mod 2',
    'random mod 3',
    'chain spread-tcp-2 has dnat ip to tcp dport . numgen random mod 3',
  ],
  [
    'zones without an offset',
    'random mod 1 offset 1',
    'random mod 1',
    'chain spread-zone-1 has ct original zone set numgen random mod 1,',
  ],
  ['datagrams led elsewhere', 'goto spread-zone-1', 'goto refuse', 'map one-packet has 54 : goto refuse'],
  ['a zone of another form', '54 . 1 : 10.0.0.7 . 80', '54 . 1 : 10.0.0.7', 'map zones has 54 . 1 : 10.0.0.7'],
  ['a set', '\tchain refuse', '\tset banned {\n\t\ttypeof ip saddr\n\t}\n\tchain refuse', 'set banned is unknown'],
])('tells %s', (_, from, to, said) => {
  const { foreign } = parseTable('ingress', ingress.replace(from, to));
  expect(foreign.join('\n')).toContain(said);
});

test('a host table where the sandbox has its own', () => {
  expect(parseTable('host', ingress).foreign).toContain('map ports is missing');
});

test('text that is no table at all', () => {
  expect(parseTable('ingress', 'nothing').foreign.length).toBeGreaterThan(5);
});

test('a published port that IPv6 is not refused on, and the other way round, is told', () => {
  const { transaction } = difference(undefined, hostOf(), true);
  const text = transaction ? render(transaction) : '';
  const given = (map: string, element: string) =>
    parseTable('host', text.replace(new RegExp(`(map ${map} \\{\n.*\n)`), `$1\t\telements = { ${element} }\n`)).foreign;
  expect(given('ports', 'tcp . 8000 : 172.18.0.2')).toEqual(['map refused lacks tcp . 8000']);
  expect(given('refused', 'tcp . 8000 : goto refuse')).toEqual(['map refused has tcp . 8000 : goto refuse']);
});
