import type { Endpoint, Fact, Outcome, ServiceFact, ServiceSpec } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import type { Message } from './bus.ts';
import { readNode, readService, readShard, writeNode, writeService, writeShard } from './entry.ts';
import { deadLetter, factMessage, outcomeMessage, readFact, readOutcome } from './envelope.ts';
import { keys, parseKey } from './keys.ts';
import { CacheUnusable, readCache, writeCache } from './mesh-cache.ts';
import { Unreadable } from './parse-text.ts';
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
    ['another version', changed((json) => (json.schema = 2)), 'schema: version 2 is none that this release reads'],
    ['no version', changed((json) => (json.schema = undefined)), 'schema: no version'],
    ['a time that no date can tell', changed((json) => (json.atMs = Number.MAX_SAFE_INTEGER)), 'atMs'],
    ['no body', changed((json) => (json.body = undefined)), 'body'],
    ['an unknown kind', changed((json) => (json.body = { kind: 'flush' })), 'body.kind'],
    ['a sender that is not on the subject', changed((json) => (json.sender = 'n2')), 'names n2'],
    [
      'a node that speaks for another',
      { ...good, subject: subjects.fact('n2', 'container', 's1'), text: changed((json) => (json.sender = 'n2')).text },
      'speaks for',
    ],
    [
      'what speaks of another service than its subject',
      changed((json) => Object.assign(json.body as object, { service: 's2' })),
      'it speaks of what belongs on fairway.fact.n1.container.s2',
    ],
    [
      'what is of another kind than its subject',
      changed((json) => (json.body = { kind: 'node-gone', node: 's1' })),
      'it speaks of what belongs on fairway.fact.n1.node-gone.s1',
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

  test('what a newer sender says of an object is handed on, and stays what it is', () => {
    const newer = { ...spec, later: { weight: [1] }, constructor: 'x' };
    const message = factMessage('n1', 'e1', { ...(facts[0] as ServiceFact), spec: newer }, 'x', 0, trace);
    expect(readFact(message).body).toMatchObject({ spec: newer });
  });

  test.each(['00-x', `00-${'a'.repeat(70_000)}`, 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'])(
    'a traceparent that is none counts as none (%#)',
    (header) => {
      expect(readFact({ ...good, trace: header }).trace).toMatch(/^00-0+-0+-00$/);
    },
  );

  test('what happened is cut to what a reader takes', () => {
    const message = factMessage('n1', 'e1', facts[3] as Fact, 'x'.repeat(1_000), 0, trace);
    expect(readFact(message).event).toBe('x'.repeat(256));
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
  const message = outcomeMessage('n1', 'e1', applied, 7, trace);
  expect(readOutcome(message).body).toEqual(applied);
  expect(() => readOutcome({ ...message, subject: subjects.outcome('n1', 'failed') })).toThrow('belongs on');
});

test.each<Outcome>([
  {
    kind: 'applied',
    from: 0,
    to: 1,
    durationMs: 1,
    changes: { added: 0, removed: 0 },
    causes: [],
    notes: [{ kind: 'refused', about: 'x'.repeat(300), why: `label fairway.scheduler=${'x'.repeat(4096)} is none of` }],
  },
  { kind: 'failed', from: 0, to: 1, namespace: 'host', reason: 'x'.repeat(100_000), causes: [] },
  { kind: 'drifted', namespace: 'host', found: new Array(300).fill('x'.repeat(1_000)) },
])('an outcome that quotes something long is read all the same: $kind', (outcome) => {
  expect(readOutcome(outcomeMessage('n1', 'e1', outcome, 7, trace)).body.kind).toBe(outcome.kind);
});

test('a dead letter is small whatever it tells of', () => {
  const { text } = deadLetter(
    'decider',
    { subject: 's'.repeat(9_000), reason: 'r'.repeat(900_000) },
    '\u0000'.repeat(900_000),
  );
  expect(text.length).toBeLessThan(64 * 1024);
  expect(JSON.parse(text)).toMatchObject({ schema: 1 });
});

test('what a newer decider keeps in an entry is written back by an older one, of an endpoint too', () => {
  const later = { later: { since: 5 } };
  const entry = {
    spec: { ...spec, ...later },
    endpoints: [{ ...endpoint(1), further: ['x', [2]] }],
    causes: [],
    of: 1,
    seen: 3,
    ...later,
  };
  expect(readService('service.x', writeService(entry))).toEqual(entry);
  const shard = { endpoints: entry.endpoints, causes: [], ...later };
  expect(readShard('shard.x.2.1', writeShard(shard))).toEqual(shard);
  const node = { retired: [], causes: [], ...later };
  expect(readNode('node.x', writeNode(node))).toEqual(node);
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
    ['of another swarm', 'swarm2', text, 'it is of swarm swarm1, this node is in swarm2'],
    ['cut short', 'swarm1', text.slice(0, -20), 'its checksum does not match'],
    ['empty', 'swarm1', '', 'it is cut short'],
    ['damaged', 'swarm1', text.replace('node.n1', 'node.n2'), 'its checksum does not match'],
    [
      'of another release',
      'swarm1',
      '{"format":2,"swarms":["swarm1"]}\n',
      'it is of format 2, written by another release; this one reads 1',
    ],
    ['that is something else', 'swarm1', 'root:x:0:0\n', 'a line is not JSON'],
  ])('%s is not used, and why', (_, swarm, held, why) => {
    expect(() => readCache(swarm, held)).toThrow(new RegExp(`^CacheUnusable: ${why}`));
    expect(() => readCache(swarm, held)).toThrow(CacheUnusable);
  });
  test('half-written, wherever it ends, is not used', () => {
    for (let end = 0; end < text.length; end++)
      expect(() => readCache('swarm1', text.slice(0, end))).toThrow(CacheUnusable);
  });
});
