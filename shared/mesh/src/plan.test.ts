import { expect, test } from 'vitest';
import type { Endpoint } from './endpoint.ts';
import type { Mesh } from './mesh.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';
import type { OwnFacts } from './own-facts.ts';
import { plan } from './plan.ts';
import type { PublishedPort } from './port.ts';
import { type RecordedReach, type Verdict, withVerdicts } from './reach.ts';
import type { Service, ServiceSpec } from './service.ts';
import { isWorthSaying, type Word, withdraws, withWords } from './word.ts';

// Ingress network `ingress`: tasks at 10.0.0.x. This node is n1, its ingress sandbox answers at 172.18.0.2.
// Overlay networks `back0000000` (VIPs 10.0.1.1xx, tasks 10.0.1.x) and `side0000000` (10.0.2.x likewise).
const life = { boot: 'b1', daemon: 'd1' };
const later = { boot: 'b2', daemon: 'd9' };

const port = (first: number, target = 80, protocol: PublishedPort['protocol'] = 'tcp'): PublishedPort => ({
  protocol,
  first,
  last: first,
  target,
});
const endpoint = (task: string, node: string, host: number, more: Partial<Endpoint> = {}): Endpoint => ({
  task,
  node,
  claim: 'running',
  index: 10,
  addresses: [{ network: 'ingress', address: { family: 'ip', text: `10.0.0.${host}` } }],
  container: 'running',
  incarnation: life,
  tick: 100,
  sinceMs: 0,
  ...more,
});
const service = (
  id: string,
  ports: PublishedPort[],
  endpoints: Endpoint[],
  spec: Partial<ServiceSpec> = {},
): Service => ({
  spec: { id, name: id, index: 5, mode: 'vip', ports, vips: [], labels: {}, ...spec },
  endpoints,
  causes: [],
  seen: 10,
});
const node = (id: string, more: Partial<Node> = {}): [string, Node] => [
  id,
  {
    claim: { id, name: id, index: 1, role: 'worker', availability: 'active', state: 'ready', labels: {} },
    incarnation: life,
    tick: 1,
    retired: [],
    causes: [],
    ...more,
  },
];
const mesh = (services: Service[], nodes = [node('n1'), node('n2')], more: Partial<Mesh> = {}): Mesh => ({
  generation: { epoch: 'e', revision: 7 },
  complete: true,
  services: new Map(services.map((held) => [held.spec.id, held])),
  nodes: new Map(nodes),
  networks: new Map([
    ['ingress', network('ingress', { ingress: true })],
    [back, network(back)],
    [side, network(side)],
  ]),
  reach: new Map(),
  ...more,
});
const back = 'back0000000';
const side = 'side0000000';
const network = (id: string, more: Partial<Network> = {}): Network => ({
  id,
  name: id.replace(/0+$/, ''),
  index: 0,
  ingress: false,
  attachable: false,
  internal: false,
  encrypted: false,
  ...more,
});
const own: OwnFacts = {
  node: 'n1',
  gateway: { family: 'ip', text: '172.18.0.2' } as const,
  containers: new Map(),
  sandboxes: new Set(['ingress_sbox', 'lb_back00000']),
};

/** `8000/tcp: t1 10.0.0.5:80` per published port. */
function shown(held: Mesh, facts = own): string[] {
  return (plan(held, facts).ingress?.ports ?? []).map(
    ({ port: { first, protocol, target }, backends }) =>
      `${first}/${protocol}: ${backends.map((to) => `${to.task} ${to.address.text}:${target}${to.drains ? ' drains' : ''}`).join(', ') || 'refused'}`,
  );
}

/** `lb_back00000 10.0.1.100: t1 10.0.1.5` per virtual IP. */
function shownVips(held: Mesh, facts = own): string[] {
  return plan(held, facts).networks.flatMap(({ sandbox, vips }) =>
    vips.map(
      ({ vip, backends }) =>
        `${sandbox} ${vip.text}: ${backends.map((to) => `${to.task} ${to.address.text}${to.drains ? ' drains' : ''}`).join(', ') || 'refused'}`,
    ),
  );
}

/** An address on each of the two overlay networks, ending in the number. */
const on = (subnet: 1 | 2, host: number) => ({
  network: subnet === 1 ? back : side,
  address: { family: 'ip', text: `10.0.${subnet}.${host}` } as const,
});

test('every serving task of a service answers its published ports, aimed at the target port', () => {
  const web = service(
    'web',
    [port(8000, 80), port(5353, 53, 'udp')],
    [endpoint('t2', 'n2', 6), endpoint('t1', 'n1', 5)],
  );
  expect(shown(mesh([web]))).toEqual([
    '8000/tcp: t1 10.0.0.5:80, t2 10.0.0.6:80',
    '5353/udp: t1 10.0.0.5:53, t2 10.0.0.6:53',
  ]);
});

test('a port without a serving task is planned, and refuses', () => {
  expect(shown(mesh([service('web', [port(8000)], [])]))).toEqual(['8000/tcp: refused']);
  for (const container of ['starting', 'dead'] as const) {
    expect(shown(mesh([service('web', [port(8000)], [endpoint('t1', 'n1', 5, { container })])]))).toEqual([
      '8000/tcp: refused',
    ]);
  }
});

test('a task that is not well keeps what it has, and gets no new connection even where nothing else does', () => {
  const ill = endpoint('t1', 'n1', 5, { container: 'unhealthy' });
  expect(shown(mesh([service('web', [port(8000)], [ill])]))).toEqual(['8000/tcp: t1 10.0.0.5:80 drains']);
  const stopping = endpoint('t2', 'n2', 6, { container: 'stopping' });
  expect(shown(mesh([service('web', [port(8000)], [ill, stopping])]))).toEqual([
    '8000/tcp: t1 10.0.0.5:80 drains, t2 10.0.0.6:80',
  ]);
});

test('a task keeps nothing at an address that is another one’s by now', () => {
  const ill = endpoint('t1', 'n1', 5, { container: 'unhealthy', index: 1 });
  expect(shown(mesh([service('web', [port(8000)], [ill, endpoint('t2', 'n2', 5, { index: 2 })])]))).toEqual([
    '8000/tcp: t2 10.0.0.5:80',
  ]);
});

test('draining tasks keep what they have, and get new connections only where nothing else does', () => {
  const leaving = endpoint('t1', 'n1', 5, { container: 'stopping' });
  const released = endpoint('t3', 'n1', 7, { claim: 'released' });
  expect(shown(mesh([service('web', [port(8000)], [leaving, released, endpoint('t2', 'n2', 6)])]))).toEqual([
    '8000/tcp: t1 10.0.0.5:80 drains, t2 10.0.0.6:80, t3 10.0.0.7:80 drains',
  ]);
  expect(shown(mesh([service('web', [port(8000)], [leaving, released])]))).toEqual([
    '8000/tcp: t1 10.0.0.5:80, t3 10.0.0.7:80',
  ]);
});

test('a task serves on the word of the manager until its node is heard', () => {
  const { incarnation: _, tick: __, ...unheard } = endpoint('t1', 'n1', 5, { container: 'unknown' });
  expect(shown(mesh([service('web', [port(8000)], [unheard])]))).toEqual(['8000/tcp: t1 10.0.0.5:80']);
  expect(shown(mesh([service('web', [port(8000)], [{ ...unheard, claim: 'assigned' }])]))).toEqual([
    '8000/tcp: refused',
  ]);
});

test('nothing is sent to a node that is down, that left, or that lives in another incarnation', () => {
  const web = service('web', [port(8000)], [endpoint('t1', 'n1', 5), endpoint('t2', 'n2', 6)]);
  const [, n2] = node('n2');
  const lost: Partial<Node>[] = [
    { removedMs: 1 },
    { claim: { ...(n2.claim as NonNullable<Node['claim']>), state: 'down' } },
    { incarnation: later },
  ];
  for (const more of lost) {
    expect(shown(mesh([web], [node('n1'), node('n2', more)]))).toEqual(['8000/tcp: t1 10.0.0.5:80']);
  }
});

const down = (node: string, more: Partial<RecordedReach> = {}): [string, RecordedReach] => [
  node,
  { state: 'down', incarnation: life, by: 's1', votes: [], sinceMs: 0, causes: [], revision: 5, ...more },
];
const web = service('web', [port(8000)], [endpoint('t1', 'n1', 5), endpoint('t2', 'n2', 6)]);
const everywhere = '8000/tcp: t1 10.0.0.5:80, t2 10.0.0.6:80';
const hereOnly = '8000/tcp: t1 10.0.0.5:80';
const reached = (...reach: [string, RecordedReach][]) => ({ reach: new Map(reach) });

test('nothing is sent to a node that sentinels took down, until it lives anew or they have it up again', () => {
  const both = [node('n1'), node('n2')];
  expect(shown(mesh([web], both, reached(down('n2'))))).toEqual([hereOnly]);
  expect(shown(mesh([web], [node('n1'), node('n2', { incarnation: later })], reached(down('n2'))))).toEqual([hereOnly]);
  const anew = service('web', [port(8000)], [endpoint('t2', 'n2', 6, { incarnation: later })]);
  expect(shown(mesh([anew], [node('n1'), node('n2', { incarnation: later })], reached(down('n2'))))).toEqual([
    '8000/tcp: t2 10.0.0.6:80',
  ]);
  expect(shown(mesh([web], both, reached(down('n2', { state: 'up' }))))).toEqual([everywhere]);
  const alone = service('web', [port(8000)], [endpoint('t2', 'n2', 6)]);
  expect(shown(mesh([alone], both, reached(down('n2'))))).toEqual(['8000/tcp: refused']);
});

test('a node that was itself taken down and lives sends to its own tasks, and to others as before', () => {
  const held = mesh([web], [node('n1'), node('n2')], reached(down('n1'), down('n2')));
  expect(shown(held, { ...own, incarnation: life })).toEqual([everywhere]);
  expect(shown(held, { ...own, incarnation: later })).toEqual(['8000/tcp: refused']);
});

test('a verdict goes ahead of the record that it builds on, and yields to a later one', () => {
  const verdict = (after: number, epoch = 'e'): Verdict => ({
    ...{ node: 'n2', incarnation: life, by: 's1', votes: [], sinceMs: 0, epoch, after, trace: '' },
  });
  const recorded = (more: Partial<RecordedReach>) =>
    mesh([web], [node('n1'), node('n2')], reached(down('n2', { state: 'up', ...more })));
  const bare = mesh([web]);
  expect(shown(withVerdicts(bare, [verdict(0)]))).toEqual([hereOnly]);
  expect(shown(withVerdicts(recorded({ revision: 5 }), [verdict(5)]))).toEqual([hereOnly]);
  expect(shown(withVerdicts(recorded({ revision: 6 }), [verdict(5)]))).toEqual([everywhere]);
  expect(shown(withVerdicts(recorded({ revision: 6 }), [verdict(5, 'another')]))).toEqual([hereOnly]);
  expect(withVerdicts(bare, [])).toBe(bare);
});

const word = (more: Partial<Word> = {}, tick = 101): Word => ({
  ...{
    node: 'n2',
    service: 'web',
    task: 't2',
    state: 'dead',
    reading: { incarnation: life, tick },
    atMs: 0,
    trace: '',
  },
  ...more,
});

test("a node's word on its own task sends away from it ahead of the mesh, until the mesh is as late", () => {
  const held = mesh([web]);
  const shownAfter = (state: Word['state']) => shown(withWords(held, [word({ state })]));
  expect(shownAfter('dead')).toEqual([hereOnly]);
  expect(shownAfter('unhealthy')).toEqual([`${everywhere} drains`]);
  expect(shownAfter('stopping')).toEqual([`${everywhere} drains`]);
  expect(withWords(held, [word({}, 100)])).toBe(held);
  const both = withWords(held, [word(), word({ node: 'n1', task: 't1' })]);
  expect(shown(both)).toEqual(['8000/tcp: refused']);
});

test('a word calls nobody back, and counts for nobody but its own node in its present boot', () => {
  const held = mesh([web]);
  const unheeded = [
    word({ state: 'running' }),
    word({ node: 'n3' }),
    word({ reading: { incarnation: later, tick: 101 } }),
    word({ task: 't9' }),
    word({ service: 'other' }),
  ];
  for (const one of unheeded) expect(withWords(held, [one])).toBe(held);
  // Nor does it stand in the way of theirs.
  expect(shown(withWords(held, [word(), word({ node: 'n3', state: 'running' })]))).toEqual([hereOnly]);
  const ill = mesh([service('web', [port(8000)], [endpoint('t2', 'n2', 6, { container: 'unhealthy' })])]);
  expect(withWords(ill, [word({ state: 'running' })])).toBe(ill);
  // What dockerd, started again, finds ended is of the same boot.
  expect(shown(withWords(held, [word({ reading: { incarnation: { ...life, daemon: 'd2' }, tick: 101 } })]))).toEqual([
    hereOnly,
  ]);
});

test('a manager’s word that a task is released counts, for any node’s task, and nobody else’s does', () => {
  const role = (of: 'manager' | 'worker') =>
    node('n3', {
      claim: { id: 'n3', name: 'n3', index: 1, role: of, availability: 'active', state: 'ready', labels: {} },
    });
  const released = (tick: number) => word({ node: 'n3', state: 'released', reading: { incarnation: life, tick } });
  const held = mesh([web], [node('n1'), node('n2'), role('manager')]);
  expect(shown(withWords(held, [released(11)]))).toEqual([`${everywhere} drains`]);
  expect(withdraws(released(11), held)).toBe(true);
  // Beside the word of its own node.
  expect(shown(withWords(held, [released(11), word()]))).toEqual([hereOnly]);
  expect(withWords(held, [released(10)])).toBe(held);
  const worker = mesh([web], [node('n1'), node('n2'), role('worker')]);
  expect(withWords(worker, [released(11)])).toBe(worker);
  expect([withdraws(released(11), worker), isWorthSaying(released(11), held)]).toEqual([false, true]);
  const told = mesh(
    [service('web', [port(8000)], [endpoint('t2', 'n2', 6, { claim: 'released' })])],
    [role('manager')],
  );
  expect(withWords(told, [released(11)])).toBe(told);
});

test('a word counts for a task of which the mesh has only a manager’s word, as where the bus was made anew', () => {
  const { incarnation: _, tick: __, ...unheard } = endpoint('t2', 'n2', 6, { container: 'unknown' });
  const anew = service('web', [port(8000)], [endpoint('t1', 'n1', 5), unheard]);
  const [, { incarnation: ___, ...unlisted }] = node('n2');
  for (const n2 of [node('n2'), ['n2', unlisted] as [string, Node]]) {
    const held = mesh([anew], [node('n1'), n2]);
    expect(shown(held)).toEqual([everywhere]);
    expect(shown(withWords(held, [word()]))).toEqual([hereOnly]);
  }
  const booted = mesh([anew], [node('n1'), node('n2', { incarnation: later })]);
  expect(withWords(booted, [word()])).toBe(booted);
});

const meshWith = (more: Partial<Endpoint>) => mesh([service('web', [port(8000)], [endpoint('t2', 'n2', 6, more)])]);
const released = { claim: 'released' } as const;

test('a word withdraws where it sends away from a task that is sent to', () => {
  const does = (state: Word['state'], more: Partial<Endpoint> = {}) => withdraws(word({ state }), meshWith(more));
  expect([does('dead'), does('unhealthy'), does('stopping')]).toEqual([true, true, true]);
  expect([does('running'), does('starting')]).toEqual([false, false]);
  expect(does('dead', { tick: 101 })).toBe(false);
  expect([does('stopping', released), does('unhealthy', released), does('dead', released)]).toEqual([
    false,
    true,
    true,
  ]);
  for (const container of ['starting', 'unhealthy', 'dead'] as const) expect(does('dead', { container })).toBe(false);
  expect(withdraws(word({ service: 'other' }), mesh([web]))).toBe(false);
});

test('a word is worth saying unless all know it, be it that the mesh which says otherwise is late', () => {
  const is = (state: Word['state'], more: Partial<Endpoint> = {}) => isWorthSaying(word({ state }), meshWith(more));
  expect([is('dead'), is('unhealthy'), is('stopping'), is('running')]).toEqual([true, true, true, false]);
  expect([is('dead', { tick: 101 }), is('dead', { container: 'dead' })]).toEqual([false, false]);
  expect([is('stopping', released), is('dead', released)]).toEqual([false, true]);
  for (const container of ['starting', 'unhealthy'] as const) expect(is('dead', { container })).toBe(true);
  expect(isWorthSaying(word({ service: 'other' }), mesh([web]))).toBe(false);
});

test('a local death counts before the mesh tells of it, an older local word does not', () => {
  const web = service('web', [port(8000)], [endpoint('t1', 'n1', 5), endpoint('t2', 'n2', 6)]);
  const seen = (tick: number) => ({ ...own, containers: new Map([['t1', { state: 'dead' as const, tick }]]) });
  expect(shown(mesh([web]), seen(101))).toEqual(['8000/tcp: t2 10.0.0.6:80']);
  expect(shown(mesh([web]), seen(99))).toEqual(['8000/tcp: t1 10.0.0.5:80, t2 10.0.0.6:80']);
});

test('a node that lives anew sends nothing to what it held before, though the mesh has not heard of it', () => {
  const web = service('web', [port(8000)], [endpoint('t1', 'n1', 5), endpoint('t2', 'n2', 6)]);
  expect(shown(mesh([web]), { ...own, incarnation: later })).toEqual(['8000/tcp: t2 10.0.0.6:80']);
  expect(shown(mesh([web]), { ...own, incarnation: life })).toEqual(['8000/tcp: t1 10.0.0.5:80, t2 10.0.0.6:80']);
});

test('a port belongs to the service that was changed last, an address to the task that was', () => {
  const older = service('older', [port(8000)], [endpoint('t1', 'n1', 5)]);
  const newer = service('newer', [port(8000)], [endpoint('t2', 'n2', 6)], { index: 6 });
  const held = plan(mesh([older, newer]), own);
  expect(held.ingress?.ports.map(({ service: id }) => id)).toEqual(['newer']);
  expect(held.notes).toEqual([
    {
      kind: 'refused',
      about: 'older',
      why: '8000/tcp belongs to newer, which was changed later; publish another port',
    },
  ]);

  const first = service('first', [port(8001)], [endpoint('t1', 'n1', 5, { index: 10 })]);
  const second = service('second', [port(8002)], [endpoint('t2', 'n2', 5, { index: 11 })]);
  expect(shown(mesh([first, second]))).toEqual(['8001/tcp: refused', '8002/tcp: t2 10.0.0.5:80']);
});

test('of a range a single port of which belongs to another service, none is served', () => {
  const range = { ...port(8000), last: 8009 };
  const older = service('older', [range, port(9000)], []);
  const newer = service('newer', [port(8004)], [], { index: 6 });
  const held = plan(mesh([older, newer]), own);
  expect(held.ingress?.ports.map(({ service: id, port: { first } }) => [id, first])).toEqual([
    ['newer', 8004],
    ['older', 9000],
  ]);
  expect(held.notes.map(({ why }) => why)).toEqual([
    '8000-8009/tcp belongs to newer, which was changed later; publish another port',
  ]);
});

test('services of mode dnsrr and removed services are left alone', () => {
  const rr = service('rr', [port(8000)], [endpoint('t1', 'n1', 5)], { mode: 'dnsrr' });
  const gone = { ...service('gone', [port(8001)], [endpoint('t2', 'n1', 6)]), removedMs: 1 };
  expect(shown(mesh([rr, gone]))).toEqual([]);
});

test('an incomplete mesh is not pruned by, and a node without a sandbox says what it waits for', () => {
  expect(plan(mesh([], [], { complete: false }), own)).toMatchObject({ prune: false, notes: [{ about: 'mesh' }] });
  const bare = plan(mesh([]), { node: 'n1', containers: new Map(), sandboxes: new Set() });
  expect(bare.ingress).toBeUndefined();
  expect(bare.notes).toMatchObject([{ kind: 'waiting', about: 'ingress_sbox' }]);
});

test('a virtual IP spreads over the tasks on its network, on the networks that this node takes part in', () => {
  const addresses = (host: number) => ({ addresses: [on(1, host), on(2, host)] });
  const api = service('api', [], [endpoint('t1', 'n1', 5, addresses(5)), endpoint('t2', 'n2', 6, addresses(6))], {
    vips: [on(1, 100), on(2, 100)],
  });
  const idle = service('idle', [], [], { vips: [on(1, 101)] });
  const here = ['lb_back00000 10.0.1.100: t1 10.0.1.5, t2 10.0.1.6', 'lb_back00000 10.0.1.101: refused'];
  expect(shownVips(mesh([api, idle]))).toEqual(here);
  expect(shownVips(mesh([api, idle]), { ...own, sandboxes: new Set(['lb_back00000', 'lb_side00000']) })).toEqual([
    ...here,
    'lb_side00000 10.0.2.100: t1 10.0.2.5, t2 10.0.2.6',
  ]);
  const removed = new Map([[back, network(back, { removedMs: 1 })]]);
  expect(shownVips(mesh([api, idle], undefined, { networks: removed }))).toEqual([]);
});

test('a virtual IP belongs to the service that was changed last, on its own network only', () => {
  const older = service('older', [], [endpoint('t1', 'n1', 5, { addresses: [on(1, 5)] })], { vips: [on(1, 100)] });
  const newer = service('newer', [], [], { vips: [on(1, 100)], index: 6 });
  const elsewhere = service('elsewhere', [], [], {
    vips: [{ network: side, address: on(1, 100).address }],
    index: 7,
  });
  const held = plan(mesh([older, newer, elsewhere]), own);
  expect(held.networks.flatMap(({ vips }) => vips.map(({ service: id }) => id))).toEqual(['newer']);
  expect(held.notes).toMatchObject([{ kind: 'refused', about: 'older' }]);
});

test('a task on another node is used once the overlay has a way to it, and waited for by name until then', () => {
  const api = service(
    'api',
    [port(8000), port(8001)],
    [
      endpoint('t1', 'n1', 5, { container: 'stopping', addresses: [on(1, 5)] }),
      endpoint('t2', 'n2', 6, { addresses: [on(1, 6), ...endpoint('t2', 'n2', 6).addresses] }),
    ],
    { vips: [on(1, 100)] },
  );
  const reaching = (addresses: string[]): OwnFacts => ({ ...own, reach: new Map([[back, new Set(addresses)]]) });
  const held = plan(mesh([api]), reaching([]));
  expect(shownVips(mesh([api]), reaching([]))).toEqual(['lb_back00000 10.0.1.100: t1 10.0.1.5, t2 10.0.1.6 drains']);
  expect(held.notes.map(({ kind, why }) => `${kind}: ${why}`)).toEqual([
    'waiting: network ingress has no way to 10.0.0.6 yet, task t2 on node n2',
    'waiting: network back has no way to 10.0.1.6 yet, task t2 on node n2',
  ]);
  expect(shownVips(mesh([api]), reaching(['10.0.1.6']))).toEqual([
    'lb_back00000 10.0.1.100: t1 10.0.1.5 drains, t2 10.0.1.6',
  ]);
});

test('a task that has not answered yet is sent to only where nobody else is, and keeps what connections it has', () => {
  const tasks = (container: 'running' | 'unhealthy') => [
    endpoint('t1', 'n1', 5, { container, addresses: [on(1, 5)] }),
    endpoint('t2', 'n2', 6, { addresses: [on(1, 6)] }),
    endpoint('t3', 'n2', 7, { container: 'stopping', addresses: [on(1, 7)] }),
  ];
  const api = (container: 'running' | 'unhealthy') =>
    mesh([service('api', [], tasks(container), { vips: [on(1, 100)] })]);
  const doubting: OwnFacts = { ...own, doubted: new Map([[back, new Set(['10.0.1.6'])]]) };
  expect(shownVips(api('running'), doubting)).toEqual([
    'lb_back00000 10.0.1.100: t1 10.0.1.5, t2 10.0.1.6 drains, t3 10.0.1.7 drains',
  ]);
  expect(plan(api('running'), doubting).notes.map(({ kind, why }) => `${kind}: ${why}`)).toEqual([
    'waiting: no answer from 10.0.1.6 on network back yet, task t2',
  ]);
  expect(shownVips(api('unhealthy'), doubting)).toEqual([
    'lb_back00000 10.0.1.100: t1 10.0.1.5 drains, t2 10.0.1.6, t3 10.0.1.7 drains',
  ]);
  expect(plan(api('unhealthy'), doubting).notes).toEqual([]);
});
