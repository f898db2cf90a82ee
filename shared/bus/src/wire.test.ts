import type { Endpoint, Fact, ServiceSpec } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import type { Message } from './bus.ts';
import { readNode, readService, writeNode, writeService } from './entry.ts';
import { factMessage, outcomeMessage, readFact, readOutcome, Unreadable } from './envelope.ts';
import { keys, parseKey } from './keys.ts';
import { CacheUnusable, readCache, writeCache } from './mesh-cache.ts';
import { senderOf, subjects } from './subjects.ts';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const life = { boot: '2f1c9b7e-4d3a-4b8e-9a53-0d7f0e8f5a11', daemon: '9b1d0c2e4f5a' };
const spec: ServiceSpec = {
  id: 'q1j2ddophtomq1j2ddophtomq',
  name: 'whoami',
  index: 12,
  mode: 'vip',
  ports: [{ protocol: 'tcp', first: 8000, last: 8000, target: 8000 }],
  vips: [{ network: 'ingress', address: { family: 'ip', text: '10.0.0.3' } }],
  labels: { 'fairway.policy': 'x' },
  replicas: 3,
};
const endpoint = (n: number): Endpoint => ({
  task: `1diq1k8h38o5${String(n).padStart(13, '0')}`,
  node: 'zq7ulpxk83nqzq7ulpxk83nqz',
  claim: 'running',
  index: 123456,
  addresses: [{ network: 'kd0p2v7rykd0p2v7rykd0p2v7', address: { family: 'ip', text: `10.0.${n >> 8}.${n & 255}` } }],
  container: 'running',
  incarnation: life,
  tick: 987_654_321_012,
  sinceMs: 1_764_000_000_000,
});

const facts: Fact[] = [
  {
    kind: 'service',
    spec,
    tasks: [{ id: 't1', node: 'n1', index: 5, claim: 'assigned', addresses: spec.vips }],
    gone: ['t0'],
    confirmed: false,
  },
  { kind: 'service-gone', service: 's1' },
  { kind: 'node-gone', node: 'n2' },
  {
    kind: 'container',
    node: 'n1',
    service: 's1',
    task: 't1',
    container: 'c1',
    state: 'running',
    reading: { incarnation: life, tick: 3 },
  },
  { kind: 'swarm-listing', listing: 'l1', epoch: 'e1' },
  { kind: 'node-listing', listing: 'l1', node: 'n1', incarnation: life, tick: 4, tasks: ['t1'] },
];

describe('facts on the bus', () => {
  test.each(facts)('$kind comes back as it was sent', (fact) => {
    const message = factMessage('n1', 'e1', fact, 'container start', 1000, trace);
    expect(senderOf(message.subject)).toBe('n1');
    expect(readFact(message)).toEqual({
      schema: 1,
      epoch: 'e1',
      sender: 'n1',
      event: 'container start',
      atMs: 1000,
      trace,
      body: fact,
    });
  });

  const good = factMessage('n1', 'e1', facts[3] as Fact, 'container start', 1000, trace);
  const changed = (change: (json: Record<string, unknown>) => void): Message => {
    const json = JSON.parse(good.text);
    change(json);
    return { ...good, text: JSON.stringify(json) };
  };
  test.each<[string, Message, string]>([
    ['no JSON', { ...good, text: '{"schema":1,' }, 'not JSON'],
    ['another schema version', changed((json) => (json.schema = 2)), 'schema'],
    ['no body', changed((json) => (json.body = undefined)), 'body'],
    ['an unknown kind', changed((json) => (json.body = { kind: 'flush' })), 'body.kind'],
    ['a sender that is not on the subject', changed((json) => (json.sender = 'n2')), 'names n2'],
    [
      'a node that speaks for another',
      { ...good, subject: subjects.fact('n2', 'container', 's1'), text: changed((json) => (json.sender = 'n2')).text },
      'speaks for',
    ],
    [
      'an id that would be two tokens',
      changed((json) => Object.assign(json.body as object, { service: 'a.b' })),
      'service',
    ],
  ])('%s is unreadable, and says why', (_, message, reason) => {
    expect(() => readFact(message)).toThrow(Unreadable);
    expect(() => readFact(message)).toThrow(reason);
  });

  test('a field that this version does not know is dropped', () => {
    expect(readFact(changed((json) => (json.later = true)))).toEqual(readFact(good));
  });

  test('an address that is none is refused before it can become a rule', () => {
    const hostile = JSON.stringify(facts[0]).replace('10.0.0.3', '10.0.0.3 } ; flush ruleset');
    const text = JSON.stringify({ ...JSON.parse(good.text), body: JSON.parse(hostile) });
    expect(() => readFact({ ...good, text })).toThrow('not an IP address');
  });
});

test('outcomes come back as they were sent', () => {
  const applied = {
    kind: 'applied',
    from: 3,
    to: 5,
    durationMs: 4.5,
    changes: { added: 1, removed: 0 },
    causes: [],
    notes: [],
  } as const;
  expect(readOutcome(outcomeMessage('n1', 'e1', applied, 7, trace)).body).toEqual(applied);
});

test('an entry comes back as it was written, and an endpoint takes less than 120 bytes', () => {
  const endpoints = Array.from({ length: 500 }, (_, n) => endpoint(n));
  const entry = { spec, endpoints, causes: [], of: 1, seen: 3 };
  const text = writeService(entry);
  expect(readService('service.x', text)).toEqual(entry);
  const bytes = (text.length - writeService({ ...entry, endpoints: [] }).length) / endpoints.length;
  expect(bytes).toBeLessThan(120);

  const node = { retired: ['b0'], causes: [], incarnation: life, tick: 5 };
  expect(readNode('node.x', writeNode(node))).toEqual(node);
  expect(() => readService('service.x', text.replace('"packed"', '"pakced"'))).toThrow(Unreadable);
});

test('keys are read as they are written, others are not known', () => {
  expect(parseKey(keys.shard('s1', 4, 3))).toEqual({ kind: 'shard', id: 's1', of: 4, n: 3 });
  expect(parseKey(keys.service('s1'))).toEqual({ kind: 'service', id: 's1' });
  expect(parseKey(keys.complete)).toEqual({ kind: 'complete' });
  for (const key of ['service', 'service.a.b', 'shard.a.x.1', 'policy.a', 'epoch.1'])
    expect(parseKey(key)).toBeUndefined();
});

describe('the cache on disk', () => {
  const mesh = {
    epoch: 'e1',
    revision: 9,
    entries: new Map([
      ['service.s1', 'text\nwith a line'],
      ['node.n1', '{}'],
    ]),
  };
  const text = writeCache('swarm1', mesh);
  test('comes back as it was written', () => expect(readCache('swarm1', text)).toEqual(mesh));
  test.each([
    ['of another swarm', 'swarm2', text],
    ['cut short', 'swarm1', text.slice(0, -20)],
    ['empty', 'swarm1', ''],
    ['damaged', 'swarm1', text.replace('node.n1', 'node.n2')],
    ['of a newer format', 'swarm1', text.replace('"format":1', '"format":2')],
  ])('%s is not used', (_, swarm, held) => expect(() => readCache(swarm, held)).toThrow(CacheUnusable));
});
