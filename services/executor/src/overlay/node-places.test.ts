import { expect, test } from 'vitest';
import { placesOf, strangePlaces } from './node-places.ts';

/** `n2 > p2` for a way to a task of n2 that leads to the place p2. */
function places(...lines: readonly string[]) {
  const nodes = new Map<string, string>();
  const ways = new Map(
    lines.map((line, at) => {
      const [node = '', place = ''] = line.split(' > ');
      nodes.set(`10.0.0.${at}`, node);
      return [`10.0.0.${at}`, { device: 'vxlan0', mac: '', node: place }] as const;
    }),
  );
  return Object.fromEntries(placesOf([{ nodes, ways }]));
}

test.each<[string, readonly string[], Record<string, string>]>([
  ['all agree', ['n2 > p2', 'n2 > p2', 'n3 > p3'], { n2: 'p2', n3: 'p3' }],
  ['most of a node', ['n2 > p2', 'n2 > p2', 'n2 > p3', 'n3 > p3', 'n3 > p3'], { n2: 'p2', n3: 'p3' }],
  [
    'half of a node, where the other half leads to one that is known',
    ['n2 > p2', 'n2 > p3', 'n3 > p3', 'n3 > p3'],
    { n2: 'p2', n3: 'p3' },
  ],
  [
    'most of a node lead to one that another has more of, and one way does not',
    ['n2 > p3', 'n2 > p3', 'n2 > p3', 'n3 > p3', 'n3 > p3', 'n3 > p9'],
    { n2: 'p3' },
  ],
  ['half of a node, and nothing else is known', ['n2 > p2', 'n2 > p4', 'n3 > p3'], { n3: 'p3' }],
  ['two nodes with as many ways to one place', ['n2 > p3', 'n3 > p3'], {}],
  ['no ways', [], {}],
])('%s', (_, lines, expected) => {
  expect(places(...lines)).toEqual(expected);
});

test('votes of all networks count together', () => {
  const network = (node: string, at: string) => ({
    nodes: new Map([['10.0.0.5', node]]),
    ways: new Map([['10.0.0.5', { device: 'vxlan0', mac: '', node: at }]]),
  });
  const without = { nodes: new Map([['10.0.0.5', 'n2']]), ways: undefined };
  const all = [network('n2', 'p2'), network('n2', 'p2'), network('n2', 'p3'), without];
  expect(Object.fromEntries(placesOf(all))).toEqual({ n2: 'p2' });
});

test('a place is strange where most MAC addresses are not made of the IP addresses', () => {
  const way = (node: string, mac: string) => ({ device: 'vxlan0', mac, node });
  const ways = new Map([
    ['10.0.0.5', way('p2', '02:42:0a:00:00:05')],
    ['10.0.0.6', way('p2', '02:42:0a:00:00:77')],
    ['10.0.0.7', way('p3', '00:15:5d:00:00:07')],
  ]);
  expect([...strangePlaces(ways)]).toEqual(['p3']);
  expect([...strangePlaces(undefined)]).toEqual([]);
});
