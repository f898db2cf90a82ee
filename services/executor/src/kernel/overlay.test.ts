import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { overlayNamespace, parseKeys, parseWays } from './overlay.ts';

/** As iproute2 6.1 lists what Docker 20.10 has set. */
const listed = `10.0.1.4 dev vxlan0 lladdr 02:42:0a:00:01:04 PERMANENT
10.0.1.7 dev vxlan0 lladdr 02:42:0a:00:01:07 PERMANENT
10.0.1.9 dev vxlan0 FAILED
10.0.2.5 dev vxlan1 lladdr 02:42:0a:00:02:05 PERMANENT
10.0.2.6 dev vxlan1 lladdr 02:42:0a:00:01:08 PERMANENT
224.0.0.22 dev br0 lladdr 01:00:5e:00:00:16 NOARP
42:22:56:a2:be:3b dev vxlan0 master br0 permanent
02:42:0a:00:01:04 dev vxlan0 dst 10.99.0.13 link-netnsid 0 self permanent
02:42:0a:00:01:08 dev vxlan0 dst 10.99.0.13 link-netnsid 0 self permanent
02:42:0a:00:02:05 dev vxlan1 dst 10.99.0.12 link-netnsid 0 self permanent
33:33:00:00:00:01 dev br0 self permanent
`;

test('an address is reached by both entries of its subnet, not by one of them', () => {
  const ways = {
    '10.0.1.4': { device: 'vxlan0', mac: '02:42:0a:00:01:04', node: '10.99.0.13' },
    '10.0.2.5': { device: 'vxlan1', mac: '02:42:0a:00:02:05', node: '10.99.0.12' },
  };
  expect(parseWays(listed)).toEqual(new Map(Object.entries(ways)));
  expect(parseWays('')).toEqual(new Map());
});

test('a node has keys for those that it sends to encrypted', () => {
  const states = `src 10.99.0.11 dst 10.99.0.13
	proto esp spi 0xcdc0b1d6 reqid 13681891 mode transport
src 10.99.0.13 dst 10.99.0.11
	proto esp spi 0x2d1f1fca reqid 13681891 mode transport
`;
  expect(parseKeys(states)).toEqual(new Set(['10.99.0.13', '10.99.0.11']));
  expect(parseKeys('')).toEqual(new Set());
});

test("a network's namespace is the one of its last set-up", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'overlay-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const file of ['1-g0za8kah3m', '12-g0za8kah3', '2-g0za8kah3m', '3-87mhbpq8ml', 'lb_g0za8kah3', '9-g0'])
    await writeFile(join(folder, file), '');
  expect(await overlayNamespace(folder, 'g0za8kah3mw6kevq98ellwvlw')).toBe('12-g0za8kah3');
  expect(await overlayNamespace(folder, '87mhbpq8mlcuqsxh9ukcc9pxk')).toBe('3-87mhbpq8ml');
  expect(await overlayNamespace(folder, 'x7mhbpq8mlcuqsxh9ukcc9pxk')).toBeUndefined();
  expect(await overlayNamespace(join(folder, 'none'), 'x7mhbpq8mlcuqsxh9ukcc9pxk')).toBeUndefined();
});
