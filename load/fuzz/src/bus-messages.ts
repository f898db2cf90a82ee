import {
  beatMessage,
  factMessage,
  keys,
  type Message,
  outcomeMessage,
  outlookMessage,
  type Question,
  throttledMessage,
  verdictMessage,
  wordMessage,
  writeComplete,
  writeNetwork,
  writeNode,
  writeProbe,
  writeQuestion,
  writeReach,
  writeRequest,
  writeService,
  writeShard,
} from '@fairway/bus';
import type { Endpoint, Fact, Outcome, ServiceSpec } from '@fairway/mesh';

/**
 * What somebody who is on the bus sends: a message that is stored, one that is not, an entry of the mesh, or a question to
 * node n1.
 */
export type Sent =
  | ({ readonly to: 'stream' | 'all' } & Message)
  | { readonly to: 'mesh'; readonly key: string; readonly text: string }
  | { readonly to: 'node'; readonly question: Question; readonly text: string };

const incarnation = { boot: 'b', daemon: 'd' };
const reading = { incarnation, tick: 1 };
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const addresses = [{ network: 'ingressnetwork00000000001', address: { family: 'ip', text: '10.0.0.100' } }] as const;
const spec: ServiceSpec = {
  id: 'wild',
  name: 'wild',
  index: 5,
  mode: 'vip',
  ports: [{ protocol: 'tcp', first: 9000, last: 9001, target: 80 }],
  vips: addresses,
  labels: { 'fairway.scheduler': 'lc' },
  replicas: 1,
  update: 'updating',
};
const endpoint: Endpoint = {
  task: 'wildtask',
  node: 'n2',
  claim: 'running',
  index: 6,
  addresses,
  container: 'running',
  incarnation,
  tick: 1,
  sinceMs: 1,
};
const causes = [{ trace, event: 'service create', atMs: 1, after: 0 }];
const node = {
  id: 'n2',
  name: 'n2',
  index: 1,
  role: 'worker',
  availability: 'active',
  state: 'ready',
  labels: {},
} as const;
const flags = { ingress: false, attachable: false, internal: false, encrypted: false };
const network = { id: 'awildnetwork000000000001', name: 'wild', index: 0, ...flags };

const sandbox = addresses[0].address;
const judged = { incarnation, votes: [{ peer: 'n1', sight: 'silent' }], sinceMs: 1 } as const;

const facts: Fact[] = [
  {
    kind: 'service',
    spec,
    tasks: [{ id: 'wildtask', node: 'n2', index: 6, claim: 'running', addresses }],
    gone: ['wildgone'],
    confirmed: true,
  },
  { kind: 'service-gone', service: 'wild' },
  { kind: 'node', node, confirmed: false },
  { kind: 'node-gone', node: 'n2' },
  { kind: 'network', network },
  { kind: 'network-gone', network: network.id },
  { kind: 'container', node: 'n2', service: 'calm', task: 'calmtask', container: 'c', state: 'dead', reading },
  { kind: 'container', node: 'n2', service: 'calm', task: 'made-up', container: 'c', state: 'running', reading },
  { kind: 'swarm-listing', listing: 'l', epoch: 'e' },
  { kind: 'node-listing', listing: 'l', node: 'n2', incarnation, tick: 2, tasks: ['wildtask'] },
];

const outcomes: Outcome[] = [
  {
    kind: 'applied',
    from: 0,
    to: 1,
    durationMs: 1,
    changes: { added: 1, removed: 0 },
    causes,
    notes: [{ kind: 'refused', about: 'wild', why: 'because' }],
  },
  { kind: 'failed', from: 0, to: 1, namespace: 'host', reason: 'because', causes },
  { kind: 'stale', offered: 1, held: 2 },
  { kind: 'drifted', namespace: 'host', found: ['x'] },
];

/** One of each that there is, as node n2 would send it, or a decider write it. */
export const samples: readonly Sent[] = [
  ...facts.map((fact) => ({ to: 'stream' as const, ...factMessage('n2', 'e', fact, 'event', 1, trace) })),
  ...outcomes.map((outcome) => ({ to: 'stream' as const, ...outcomeMessage('n2', 'e', outcome, 1, trace) })),
  {
    to: 'mesh',
    key: keys.service('wild'),
    text: writeService({ spec, of: 2, endpoints: [endpoint], causes, seen: 6 }),
  },
  { to: 'mesh', key: keys.shard('wild', 2, 1), text: writeShard({ endpoints: [endpoint], causes, from: 1 }) },
  { to: 'mesh', key: keys.node('n2'), text: writeNode({ claim: node, incarnation, tick: 1, retired: ['b0'], causes }) },
  { to: 'mesh', key: keys.reach('n2'), text: writeReach({ ...judged, state: 'down', by: 's2', causes }) },
  { to: 'mesh', key: keys.network(network.id), text: writeNetwork(network) },
  { to: 'mesh', key: keys.complete, text: writeComplete({ epoch: 'e', listing: 'l' }) },
  { to: 'node', question: 'rules', text: writeQuestion() },
  { to: 'node', question: 'explain', text: writeQuestion('9000') },
  { to: 'node', question: 'audit', text: writeQuestion() },
  { to: 'node', question: 'doctor', text: writeQuestion() },
  { to: 'node', question: 'service', text: writeQuestion('wild') },
  { to: 'node', question: 'probe', text: writeProbe(sandbox) },
  { to: 'all', ...beatMessage({ node: 'n2', reading, everyMs: 200, sandbox }) },
  { to: 'all', ...verdictMessage({ ...judged, node: 'n2', by: 's2', epoch: 'e', after: 0, trace }) },
  {
    to: 'all',
    ...wordMessage({ ...{ node: 'n2', service: 'wild', task: endpoint.task, state: 'dead' }, reading, atMs: 1, trace }),
  },
  { to: 'all', ...outlookMessage({ sentinel: 's2', expected: 2, unheard: ['n2'], blind: false }) },
  { to: 'all', ...throttledMessage('s2', { sender: 'n2', refused: 5 }) },
  { to: 'node', question: 'install', text: writeRequest('install') },
];
