import { describe, expect, test } from 'vitest';
import { parseAddress } from './address.ts';
import { causesMax, causesSince, keepCauses } from './cause.ts';
import { awaited, claims, containerStates, type Endpoint, endpointState } from './endpoint.ts';
import { isStale } from './generation.ts';
import { isNewerReading } from './incarnation.ts';
import { showPort } from './port.ts';
import { shardEndpointsMax, shardOf, shardsWanted } from './shard.ts';

describe('addresses', () => {
  test.each([
    ['10.0.0.5', { family: 'ip', text: '10.0.0.5' }],
    ['10.0.0.5/24', { family: 'ip', text: '10.0.0.5' }],
    ['FD00:0::0:1/64', { family: 'ip6', text: 'fd00::1' }],
  ])('%s is read', (text, address) => expect(parseAddress(text)).toEqual(address));
  test.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.5; flush', '::1]', 'fd00::1%eth0', '1.2.3.4:80', 'a:b'])(
    '%j is refused',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );
});

test('an endpoint serves exactly when its manager wants it and its node has it running, or is not yet heard', () => {
  const rows = claims.map(
    (claim) => `${claim}: ${containerStates.map((container) => endpointState({ claim, container })).join(' ')}`,
  );
  expect(rows).toEqual([
    'absent: waiting waiting waiting waiting waiting gone',
    'assigned: waiting starting serving unhealthy draining gone',
    'running: serving starting serving unhealthy draining gone',
    'released: gone starting draining unhealthy draining gone',
  ]);
});

test('whoever waits says for what', () => {
  const endpoint = (claim: Endpoint['claim'], container: Endpoint['container']): Endpoint => ({
    task: 't',
    node: 'n2',
    claim,
    container,
    index: 0,
    addresses: [],
    sinceMs: 0,
  });
  expect(awaited(endpoint('absent', 'running'))).toContain('manager');
  expect(awaited(endpoint('assigned', 'unknown'))).toContain('node n2');
  expect(awaited(endpoint('running', 'unhealthy'))).toContain('health check');
  expect(awaited(endpoint('running', 'running'))).toBeUndefined();
});

test('generations compare within an epoch only', () => {
  expect(isStale({ epoch: 'a', revision: 3 }, { epoch: 'a', revision: 3 })).toBe(true);
  expect(isStale({ epoch: 'a', revision: 4 }, { epoch: 'a', revision: 3 })).toBe(false);
  expect(isStale({ epoch: 'b', revision: 1 }, { epoch: 'a', revision: 3 })).toBe(false);
});

test('readings of one boot are ordered by their ticks, whatever dockerd did meanwhile', () => {
  const at = (boot: string, daemon: string, tick: number) => ({ incarnation: { boot, daemon }, tick });
  expect(isNewerReading(at('b', 'd2', 9), at('b', 'd1', 10))).toBe(false);
  expect(isNewerReading(at('b', 'd1', 11), at('b', 'd1', 10))).toBe(true);
  expect(isNewerReading(at('c', 'd1', 1), at('b', 'd1', 10))).toBe(true);
});

test('causes are kept to a bound, and a reader gets those that it has not applied', () => {
  const cause = (after: number) => ({ trace: `t${after}`, event: 'container start', atMs: 0, after });
  const kept = keepCauses(
    Array.from({ length: causesMax }, (_, n) => cause(n)),
    [cause(99)],
  );
  expect(kept).toHaveLength(causesMax);
  expect(kept.at(-1)).toEqual(cause(99));
  expect(causesSince(kept, 14).map(({ after }) => after)).toEqual([14, 15, 99]);
});

test('ports are shown as Docker writes them', () => {
  const range = { protocol: 'tcp', first: 8000, last: 8009, target: 80 } as const;
  expect(showPort(range)).toBe('8000-8009/tcp');
  expect(showPort({ ...range, last: 8000 })).toBe('8000/tcp');
});

test('shards are a power of two, hold what they may, and spread tasks evenly', () => {
  expect(shardsWanted(shardEndpointsMax, 1)).toBe(1);
  expect(shardsWanted(shardEndpointsMax + 1, 1)).toBe(2);
  expect(shardsWanted(5000, 1)).toBe(16);
  expect(shardsWanted(10_000_000, 1)).toBe(1024);
  expect(shardsWanted(600, 2)).toBe(2);
  expect(shardsWanted(200, 2)).toBe(1);
  const counts = new Map<number, number>();
  for (let n = 0; n < 4000; n++) {
    const shard = shardOf(`task${n}xyz`, 4);
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3]);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
});
