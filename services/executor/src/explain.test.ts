import {
  type Address,
  type Asked,
  type Endpoint,
  type Explanation,
  type Mesh,
  type Network,
  type Node,
  type OwnFacts,
  parseAsked,
  plan,
  type Service,
  type ServiceSpec,
  schedulers,
} from '@fairway/mesh';
import { expect, test } from 'vitest';
import { explain, type InKernel, namespacesOf, type Planned } from './explain.ts';
import type { Namespace } from './kernel/kernel.ts';
import { difference } from './rules/difference.ts';
import type { Rules } from './rules/rules.ts';
import { wishFromPlan } from './rules/wish.ts';

const everything = new Set(schedulers);

// This node is n1, called alpha; n2 is called beta. Ingress tasks at 10.0.0.x, the sandbox at 172.18.0.2.
// Network back: VIPs 10.0.1.1xx, tasks 10.0.1.x. Network side: this node takes no part in it; VIP 10.0.2.100.
// web publishes 8000 and has a VIP on back and on ingress; late claims 8000 in vain; dns publishes 53/udp.

const at = (text: string): Address => ({ family: 'ip', text });
const endpoint = (n: number, node: string, more: Partial<Endpoint> = {}): Endpoint => ({
  task: `t${n}`,
  node,
  claim: 'running',
  index: n,
  addresses: [
    { network: 'ingress', address: at(`10.0.0.${n}`) },
    { network: 'back', address: at(`10.0.1.${n}`) },
  ],
  container: 'running',
  tick: 1,
  sinceMs: 1_000 * n,
  ...more,
});
const service = (name: string, endpoints: Endpoint[], spec: Partial<ServiceSpec>): [string, Service] => [
  name,
  {
    spec: { id: name, name, index: 5, mode: 'vip', ports: [], vips: [], labels: {}, ...spec },
    endpoints,
    causes: [
      { event: 'service create', atMs: 1, trace: '00-a-b-01', after: 0 },
      { event: 'container start', atMs: 2, trace: '00-c-d-01', after: 1 },
    ],
    seen: 9,
  },
];
const tcp = (first: number, target = 80) => ({ protocol: 'tcp', first, last: first, target }) as const;
const network = (id: string, ingress = false): [string, Network] => [
  id,
  { id, name: id, index: 1, ingress, attachable: false, internal: false, encrypted: false },
];
const node = (id: string, name: string): [string, Node] => [
  id,
  {
    claim: { id, name, index: 1, role: 'worker', availability: 'active', state: 'ready', labels: {} },
    retired: [],
    causes: [],
  },
];
const mesh: Mesh = {
  generation: { epoch: 'e', revision: 7 },
  complete: true,
  reach: new Map(),
  networks: new Map([network('ingress', true), network('back'), network('side')]),
  nodes: new Map([node('n1', 'alpha'), node('n2', 'beta')]),
  services: new Map([
    service('web', [endpoint(5, 'n1'), endpoint(6, 'n2'), endpoint(7, 'n2', { container: 'starting' })], {
      index: 6,
      ports: [tcp(8000)],
      vips: [
        { network: 'ingress', address: at('10.0.0.100') },
        { network: 'back', address: at('10.0.1.100') },
      ],
    }),
    service('late', [], { ports: [tcp(8000), tcp(8001)] }),
    service('dns', [], { ports: [{ protocol: 'udp', first: 53, last: 53, target: 53 }] }),
    service('calls', [], { ports: [{ protocol: 'sctp', first: 2905, last: 2905, target: 2905 }] }),
    service('aside', [], { vips: [{ network: 'side', address: at('10.0.2.100') }] }),
  ]),
};
const here: OwnFacts = {
  node: 'n1',
  gateway: at('172.18.0.2'),
  containers: new Map(),
  sandboxes: new Set(['ingress_sbox', 'lb_back']),
};

function planned(own: OwnFacts): Planned {
  const made = plan(mesh, own);
  return { mesh, own, plan: made, notes: [...made.notes, ...wishFromPlan(made, everything).notes] };
}

/** A kernel that has all that the plan wants. */
function applied({ plan: wanted }: Planned): Map<Namespace, Rules | undefined> {
  const { host, ingress, networks } = wishFromPlan(wanted, everything);
  const found = new Map<Namespace, Rules | undefined>();
  if (host) found.set('host', host);
  if (ingress) found.set('ingress', difference(undefined, ingress, true).rules);
  for (const [sandbox, wish] of networks) found.set(sandbox as Namespace, difference(undefined, wish, true).rules);
  return found;
}

function told(text: string, own = here, found: InKernel = applied(planned(own))): string {
  return shown(explain(parseAsked(text) as Asked, planned(own), found));
}

/** The explanation as lines, to be read. */
function shown({ node: name, target, revision, service: of, unserved, ...rest }: Explanation): string {
  const sure = (held: boolean | undefined) => (held === undefined ? 'not read' : held ? 'in the kernel' : 'not there');
  return [
    `${name} ${target} at ${revision}: ${of ?? 'nobody'}${unserved === undefined ? '' : `; ${unserved}`}`,
    ...rest.backends.map(
      ({ task, node: on, address, state, sinceMs, awaited, planned: used, held }) =>
        `${task} on ${on} ${address ?? '-'} ${state} since ${sinceMs}, ${used ? 'used' : 'not used'}, ${sure(held)}` +
        `${awaited === undefined ? '' : `, waits for ${awaited}`}`,
    ),
    ...rest.kernel.map(({ what, held }) => `${what}: ${sure(held)}`),
    ...rest.notes.map(({ kind, about, why }) => `${kind} ${about}: ${why}`),
    rest.causes.map(({ event }) => event).join(', '),
  ].join('\n');
}

test('a published port: its tasks, what the kernel has, who claims it in vain, and what changed it', () => {
  expect(told('8000')).toMatchInlineSnapshot(`
    "alpha 8000/tcp at 7: web
    t5 on alpha 10.0.0.5:80 serving since 5000, used, in the kernel
    t6 on beta 10.0.0.6:80 serving since 6000, used, in the kernel
    t7 on beta 10.0.0.7:80 starting since 7000, not used, not there, waits for its container to run, and its health check to pass
    host: 8000/tcp leads to 172.18.0.2: in the kernel
    ingress_sbox: 8000/tcp is spread over 2 tasks: in the kernel
    refused late: 8000/tcp belongs to web, which was changed later; publish another port
    container start, service create"
  `);
});

test('a virtual IP on a network of this node', () => {
  expect(told('10.0.1.100')).toMatchInlineSnapshot(`
    "alpha VIP 10.0.1.100 at 7: web
    t5 on alpha 10.0.1.5 serving since 5000, used, in the kernel
    t6 on beta 10.0.1.6 serving since 6000, used, in the kernel
    t7 on beta 10.0.1.7 starting since 7000, not used, not there, waits for its container to run, and its health check to pass
    lb_back: VIP 10.0.1.100 is spread over 2 tasks: in the kernel
    container start, service create"
  `);
});

test('what the kernel lacks is told as it is, and what could not be read as not read', () => {
  const found = applied(planned(here));
  found.set('ingress', undefined);
  found.delete('host');
  expect(told('8000', here, found)).toMatchInlineSnapshot(`
    "alpha 8000/tcp at 7: web
    t5 on alpha 10.0.0.5:80 serving since 5000, used, not there
    t6 on beta 10.0.0.6:80 serving since 6000, used, not there
    t7 on beta 10.0.0.7:80 starting since 7000, not used, not there, waits for its container to run, and its health check to pass
    host: 8000/tcp leads to 172.18.0.2: not read
    ingress_sbox: 8000/tcp is spread over 2 tasks: not there
    refused late: 8000/tcp belongs to web, which was changed later; publish another port
    container start, service create"
  `);
});

test('a task to which the overlay has no way yet is waited for', () => {
  expect(told('10.0.1.100', { ...here, reach: new Map([['back', new Set()]]) })).toMatchInlineSnapshot(`
    "alpha VIP 10.0.1.100 at 7: web
    t5 on alpha 10.0.1.5 serving since 5000, used, in the kernel
    t6 on beta 10.0.1.6 serving since 6000, not used, not there
    t7 on beta 10.0.1.7 starting since 7000, not used, not there, waits for its container to run, and its health check to pass
    lb_back: VIP 10.0.1.100 is spread over 1 task: in the kernel
    waiting web: network ingress has no way to 10.0.0.6 yet, task t6 on node n2
    waiting web: network back has no way to 10.0.1.6 yet, task t6 on node n2
    container start, service create"
  `);
});

test('a port whose service has no task is refused, and the kernel does so', () => {
  expect(told('53/udp')).toMatchInlineSnapshot(`
    "alpha 53/udp at 7: dns
    host: 53/udp leads to 172.18.0.2: in the kernel
    ingress_sbox: 53/udp is refused: in the kernel
    container start, service create"
  `);
});

test('an address that is a virtual IP on two networks: it says of which it tells', () => {
  const [id, aside] = service('aside', [], { vips: [{ network: 'side', address: at('10.0.1.100') }] });
  const both = { ...mesh, services: new Map([...mesh.services, [id, aside]]) };
  const own = { ...here, sandboxes: new Set([...here.sandboxes, 'lb_side']) };
  const made = plan(both, own);
  const asked = parseAsked('10.0.1.100') as Asked;
  const { service: of, target } = explain(asked, { mesh: both, own, plan: made, notes: made.notes }, new Map());
  expect(`${target}: ${of}`).toBe("VIP 10.0.1.100 on back (it is also aside's on side): web");
});

test.each([
  ['53', 'dns publishes 53 for udp, not for tcp'],
  ['2905', 'calls publishes 2905 for sctp, not for tcp'],
  ['9000', 'no service publishes it in mode ingress; what is published in mode host'],
  ['10.0.2.100', 'this node takes no part in network side'],
  ['10.0.0.100', "it is web's on the ingress network, which nobody calls"],
  ['10.0.1.6', 'it is no VIP but the address of task t6 itself'],
  ['10.9.9.9', 'no service has this VIP; a dnsrr service has none'],
])('%s is not served: %s', (text, why) => {
  const explanation = explain(parseAsked(text) as Asked, planned(here), new Map());
  expect(explanation.unserved).toContain(why);
  expect(explanation.kernel).toEqual([]);
});

test('a node without an ingress sandbox says what it waits for', () => {
  const { gateway: _, ...without } = here;
  expect(told('8000', without)).toContain(
    'this node leads no published port to its tasks yet: this node has no ingress sandbox',
  );
});

test('only what the target is in has to be read', () => {
  const of = (text: string) => namespacesOf(parseAsked(text) as Asked, planned(here));
  expect([of('8000'), of('10.0.1.100'), of('9000')]).toEqual([['host', 'ingress'], ['lb_back'], []]);
});

test.each(['', '0', '65536', '8000/sctp', '10.0.1.5/24', 'web', '8000/'])('%j is nothing to explain', (text) => {
  expect(parseAsked(text)).toBeUndefined();
});
