import type { Outlook } from '@fairway/bus';
import type { Endpoint, Mesh, Node, NodeClaim, Note, Outcome, Service, View } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { foldView, type NodeOutcomes } from './fold-view.ts';

// Nodes n1 and n2 are named alpha and beta. Service `web` publishes 8000 and wants two tasks, tN at 10.0.0.N.
// The mesh is at revision 7 of epoch e2.

const life = { boot: 'b1', daemon: 'd1' };
const node = (id: string, name: string, claim: Partial<NodeClaim> = {}, more: Partial<Node> = {}): [string, Node] => [
  id,
  {
    claim: { id, name, index: 1, role: 'worker', availability: 'active', state: 'ready', labels: {}, ...claim },
    retired: [],
    causes: [],
    ...more,
  },
];
const endpoint = (n: number, more: Partial<Endpoint> = {}): Endpoint => ({
  task: `t${n}`,
  node: n % 2 === 1 ? 'n1' : 'n2',
  claim: 'running',
  index: n,
  addresses: [{ network: 'ingress', address: { family: 'ip', text: `10.0.0.${n}` } }],
  container: 'running',
  incarnation: life,
  tick: 1,
  sinceMs: 1000,
  ...more,
});
const web = (endpoints: Endpoint[], more: Partial<Service['spec']> = {}, removed = {}): Service => ({
  spec: {
    id: 'web',
    name: 'web',
    index: 5,
    mode: 'vip',
    ports: [{ protocol: 'tcp', first: 8000, last: 8000, target: 80 }],
    vips: [],
    labels: {},
    replicas: 2,
    ...more,
  },
  endpoints,
  causes: [],
  seen: 9,
  ...removed,
});
const mesh = (services: Service[], more: Partial<Mesh> = {}): Mesh => ({
  generation: { epoch: 'e2', revision: 7 },
  complete: true,
  services: new Map(services.map((service) => [service.spec.id, service])),
  nodes: new Map([node('n2', 'beta'), node('n1', 'alpha', { role: 'manager' })]),
  networks: new Map(),
  reach: new Map(),
  ...more,
});
type Applied = Extract<Outcome, { kind: 'applied' }>;
const applied = (to: number, notes: Note[] = [], epoch = 'e2', durationMs = 1): NodeOutcomes => {
  const changes = { added: 1, removed: 0 };
  const outcome: Applied = { kind: 'applied', from: 0, to, durationMs, changes, causes: [], notes };
  return { applied: { outcome, epoch }, changed: outcome };
};
const outcomes = (more: Record<string, NodeOutcomes> = {}) =>
  new Map(Object.entries({ n1: applied(7), n2: applied(7), ...more }));
const both = web([endpoint(1), endpoint(2)]);

/** `waiting|needs you ABOUT: WHY` for all that keeps it from being converged. */
const left = ({ pending, problems, converged }: View) => [
  ...(converged ? ['converged'] : []),
  ...pending.map(({ about, why }) => `waiting ${about}: ${why}`),
  ...problems.map(({ about, why }) => `needs you ${about}: ${why}`),
];

test('converged: nodes by name, services with their ports and endpoints', () => {
  const view = foldView(mesh([both]), { outcomes: outcomes(), putAside: 3 });
  expect(left(view)).toEqual(['converged']);
  expect(view).toMatchObject({
    epoch: 'e2',
    revision: 7,
    nodes: [
      { id: 'n1', name: 'alpha', role: 'manager', state: 'ready', availability: 'active', applied: 7, changeMs: 1 },
      { id: 'n2', name: 'beta', role: 'worker', applied: 7 },
    ],
    services: [
      {
        id: 'web',
        mode: 'vip',
        ports: ['8000→80/tcp'],
        replicas: 2,
        serving: 2,
        endpoints: [
          { task: 't1', node: 'n1', state: 'serving', addresses: ['10.0.0.1'], sinceMs: 1000 },
          { task: 't2', node: 'n2', state: 'serving' },
        ],
      },
    ],
  });
});

describe('nodes', () => {
  test('one that lags behind', () => {
    expect(left(foldView(mesh([both]), { outcomes: outcomes({ n2: applied(5) }) }))).toEqual([
      'waiting node beta: it has applied revision 5 of 7',
    ]);
  });

  test('one that has applied nothing, or only in an earlier epoch', () => {
    for (const before of [{}, applied(99, [], 'e1')]) {
      const view = foldView(mesh([both]), { outcomes: outcomes({ n2: before }) });
      expect(left(view)).toEqual([expect.stringMatching(/^waiting node beta: .* applied nothing in this epoch/)]);
      expect(view.nodes[1]).not.toHaveProperty('applied');
    }
  });

  test('one whose last apply failed', () => {
    const failed: Outcome = { kind: 'failed', from: 7, to: 7, namespace: 'host', reason: 'no such file', causes: [] };
    const view = foldView(mesh([both]), { outcomes: outcomes({ n2: { ...applied(6), failed } }) });
    expect(left(view)).toEqual(['waiting node beta: its last apply failed, and is tried again: no such file']);
    expect(view.nodes[1]).toMatchObject({ applied: 6, failure: 'no such file' });
  });

  test('nobody waits for one that is down, nor for one that has left', () => {
    const down = node('n2', 'beta', { state: 'down' });
    const view = foldView(mesh([], { nodes: new Map([down]) }), { outcomes: new Map([['n2', applied(3)]]) });
    expect(left(view)).toEqual(['converged']);
    const gone = node('n2', 'beta', {}, { removedMs: 5 });
    expect(foldView(mesh([], { nodes: new Map([gone]) }), { outcomes: new Map() })).toMatchObject({
      converged: true,
      nodes: [],
    });
  });

  test('one of which only it has spoken goes by its id', () => {
    const nodes = new Map<string, Node>([['n3', { retired: [], causes: [], incarnation: life }]]);
    expect(foldView(mesh([], { nodes }), { outcomes: new Map() }).nodes).toEqual([
      { id: 'n3', name: 'n3', state: 'unknown' },
    ]);
  });

  test('what a node waits for itself', () => {
    const notes: Note[] = [{ kind: 'waiting', about: 'ingress_sbox', why: 'Docker makes it when the node joins' }];
    expect(left(foldView(mesh([both]), { outcomes: outcomes({ n1: applied(7, notes) }) }))).toEqual([
      'waiting node alpha, ingress_sbox: Docker makes it when the node joins',
    ]);
    // Also of a node that has yet to apply another service's change.
    expect(left(foldView(mesh([both]), { outcomes: outcomes({ n1: applied(6, notes) }) }))).toEqual([
      'waiting node alpha: it has applied revision 6 of 7',
      'waiting node alpha, ingress_sbox: Docker makes it when the node joins',
    ]);
  });
});

describe('problems', () => {
  const notes: Note[] = [{ kind: 'refused', about: 'web', why: '8000/tcp belongs to api' }];

  test('are told once, however many nodes say so', () => {
    const view = foldView(mesh([both]), { outcomes: outcomes({ n1: applied(7, notes), n2: applied(7, notes) }) });
    expect(left(view)).toEqual(['needs you web: 8000/tcp belongs to api']);
    expect(view.converged).toBe(false);
  });

  test.each<[string, Mesh, NodeOutcomes]>([
    ['has left', mesh([both], { nodes: new Map([node('n1', 'alpha')]) }), applied(7, notes)],
    [
      'is down',
      mesh([both], { nodes: new Map([node('n1', 'alpha'), node('n2', 'beta', { state: 'down' })]) }),
      applied(7, notes),
    ],
  ])('of a node that %s are none', (_, held, last) => {
    expect(foldView(held, { outcomes: outcomes({ n2: last }) }).problems).toEqual([]);
  });

  test('a node that tells more than is taken', () => {
    const throttled = new Map([
      ['n2', 4000],
      ['n7', 1],
    ]);
    expect(left(foldView(mesh([both]), { outcomes: outcomes(), throttled }))).toEqual([
      expect.stringMatching(/^needs you node beta: it tells more than is taken: 4000 messages/),
      expect.stringMatching(/^needs you node n7: it tells more than is taken: 1 messages/),
    ]);
  });

  test('of another epoch are none', () => {
    const view = foldView(mesh([both]), { outcomes: outcomes({ n2: applied(7, notes, 'e1') }) });
    expect(view.problems).toEqual([]);
  });
});

describe('services', () => {
  test('endpoints that are on their way, and what they wait for', () => {
    const endpoints = [
      endpoint(1, { container: 'starting' }),
      endpoint(2, { claim: 'assigned', container: 'unknown' }),
      endpoint(3, { claim: 'absent' }),
      endpoint(4, { container: 'unhealthy' }),
    ];
    const view = foldView(mesh([web(endpoints, { replicas: 4 })]), { outcomes: outcomes() });
    expect(left(view)).toEqual([
      'waiting service web: task t1 on alpha waits for its container to run, and its health check to pass',
      'waiting service web: task t2 on beta waits for node n2 to report its container',
      'waiting service web: task t3 on alpha waits for a manager to confirm the task',
      'waiting service web: task t4 on beta waits for its health check to pass again',
    ]);
    expect(view.services[0]?.endpoints.map(({ state }) => state)).toEqual([
      'starting',
      'waiting',
      'waiting',
      'unhealthy',
    ]);
  });

  test('fewer tasks than are wanted', () => {
    expect(left(foldView(mesh([web([endpoint(1)])]), { outcomes: outcomes() }))).toEqual([
      'waiting service web: 1 of 2 tasks serve',
    ]);
    expect(left(foldView(mesh([web([], { replicas: 0 })]), { outcomes: outcomes() }))).toEqual(['converged']);
  });

  test('a global service wants as many as serve', () => {
    const { replicas: _, ...spec } = web([]).spec;
    const view = foldView(mesh([{ ...web([endpoint(1)]), spec }]), { outcomes: outcomes() });
    expect(left(view)).toEqual(['converged']);
    expect(view.services[0]).not.toHaveProperty('replicas');
  });

  test('those that Docker serves alone are waited for by nobody', () => {
    const waiting = [endpoint(1, { container: 'starting' })];
    expect(left(foldView(mesh([web(waiting, { mode: 'dnsrr' })]), { outcomes: outcomes() }))).toEqual(['converged']);
    expect(left(foldView(mesh([web(waiting, { ports: [] })]), { outcomes: outcomes() }))).toEqual(['converged']);
  });

  test('what was removed and what has ended is not shown; what drains is', () => {
    expect(foldView(mesh([web([], {}, { removedMs: 5 })]), { outcomes: outcomes() }).services).toEqual([]);
    const endpoints = [
      endpoint(1),
      endpoint(2),
      endpoint(3, { claim: 'released', container: 'dead' }),
      endpoint(4, { claim: 'released' }),
    ];
    const [service] = foldView(mesh([web(endpoints)]), { outcomes: outcomes() }).services;
    expect(service?.endpoints.map(({ task, state }) => `${task} ${state}`)).toEqual([
      't1 serving',
      't2 serving',
      't4 draining',
    ]);
  });

  test('an endpoint on a node that is down does not serve', () => {
    const nodes = new Map([node('n1', 'alpha'), node('n2', 'beta', { state: 'down' })]);
    const view = foldView(mesh([both], { nodes }), { outcomes: outcomes() });
    expect(view.services[0]).toMatchObject({ serving: 1, endpoints: [{ state: 'serving' }, { state: 'gone' }] });
    expect(left(view)).toEqual(['waiting service web: 1 of 2 tasks serve']);
  });
});

describe('what sentinels see', () => {
  const judged = { incarnation: { boot: 'b', daemon: 'd' }, by: 's1', sinceMs: 1, causes: [], revision: 6 };
  const votes = [
    { peer: 'n1', sight: 'silent' as const },
    { peer: 'n3', sight: 'reached' as const },
    { peer: 'n4', sight: 'silent' as const },
  ];

  test('nothing is waited for of a node that they took down, and it says by whom', () => {
    const reach = new Map([['n2', { ...judged, state: 'down' as const, votes }]]);
    const heard = { outcomes: new Map([['n1', applied(7)]]) };
    const view = foldView(mesh([web([endpoint(1)], { replicas: 1 })], { reach }), heard);
    expect(left(view)).toEqual(['converged']);
    expect(view.nodes[1]).toMatchObject({
      name: 'beta',
      lost: 's1 hears no beat of it, and alpha and n4 do not reach it',
    });
    const back = new Map([['n2', { ...judged, state: 'up' as const, votes: [] }]]);
    expect(foldView(mesh([both], { reach: back }), { outcomes: outcomes() }).nodes[1]).not.toHaveProperty('lost');
  });

  test('what they do not see is told, and nothing is wrong by it', () => {
    const told = (outlooks: Outlook[] | undefined) => {
      const view = foldView(mesh([both]), { outcomes: outcomes(), ...(outlooks ? { outlooks } : {}) });
      expect(view.converged).toBe(true);
      return view.unwatched.map(({ about, why }) => `${about}: ${why}`);
    };
    const outlook = { sentinel: 's1', expected: 3, unheard: [], blind: false };
    expect(told(undefined)).toEqual([]);
    expect(told([outlook])).toEqual([]);
    expect(told([{ ...outlook, unheard: ['n2'] }])).toEqual([
      'sentinel s1: it hears no beat of beta, and nobody confirms that they are lost: they keep their traffic',
    ]);
    expect(told([{ ...outlook, unheard: ['n1', 'n2'], blind: true }])).toEqual([
      'sentinel s1: it hears 1 of 3 nodes, and takes itself for blind: all keep their traffic',
    ]);
    expect(told([])).toEqual([
      'sentinels: none is heard: a node that is lost keeps its traffic until Docker notices, some 15 s. Is one running?',
    ]);
  });
});

test('a mesh that is not complete says so', () => {
  const view = foldView(mesh([both], { complete: false }), { outcomes: outcomes() });
  expect(left(view)).toEqual([
    'waiting mesh: no complete listing from a manager yet; until then nothing is removed anywhere',
  ]);
});
