import type { View } from '@fairway/mesh';

/** For tests: a view with one of everything, of which the command shows each. Endpoints began at 0. */
export const sampleView: View = {
  epoch: 'e1',
  revision: 42,
  converged: false,
  nodes: [
    { id: 'n1', name: 'alpha', role: 'manager', state: 'ready', availability: 'active', applied: 42, changeMs: 4.25 },
    {
      id: 'n2',
      name: 'beta',
      role: 'worker',
      state: 'ready',
      availability: 'drain',
      applied: 40,
      changeMs: 12,
      drifts: [
        { namespace: 'host', found: ['the table is missing'], atMs: 30_000, repaired: true },
        { namespace: 'ingress', found: ['chain mine is unknown', 'chain yours is unknown'], atMs: 0, repaired: false },
        { namespace: 'lb_back00000', found: ['long ago'], atMs: -3_600_000, repaired: true },
      ],
    },
    {
      id: 'n3',
      name: 'n3',
      state: 'unknown',
      lost: 'sentinel1 hears no beat of it, and alpha and beta do not reach it',
    },
  ],
  services: [
    {
      id: 's1',
      name: 'web',
      mode: 'vip',
      ports: ['8000→80/tcp', '8443→443/tcp'],
      vips: ['10.0.1.2 (back)'],
      replicas: 2,
      serving: 1,
      endpoints: [
        { task: 't1', node: 'n1', state: 'serving', addresses: ['10.0.0.5'], sinceMs: 0 },
        { task: 't2', node: 'n2', state: 'starting', addresses: [], sinceMs: 60_000, awaited: 'its container to run' },
      ],
    },
    {
      id: 's2',
      name: 'old',
      mode: 'vip',
      ports: ['9000→90/udp'],
      vips: [],
      serving: 0,
      endpoints: [{ task: 't3', node: 'n9', state: 'draining', addresses: ['10.0.0.7', '10.0.1.7'], sinceMs: 0 }],
    },
    {
      id: 's3',
      name: 'stopped',
      mode: 'vip',
      ports: ['9001→90/tcp'],
      vips: [],
      replicas: 0,
      serving: 0,
      endpoints: [],
    },
    { id: 's4', name: 'rr', mode: 'dnsrr', ports: [], vips: [], replicas: 1, serving: 1, endpoints: [] },
    { id: 's5', name: 'agent', mode: 'vip', ports: ['9100→9100/tcp'], vips: [], serving: 3, endpoints: [] },
  ],
  pending: [{ about: 'service web', why: 'task t2 on beta waits for its container to run' }],
  problems: [{ about: 'other', why: '8000/tcp belongs to web, which was changed later; publish another port' }],
  unwatched: [{ about: 'sentinel sentinel1', why: 'it hears no beat of beta' }],
  putAside: 3,
};

/** For tests: a view with nothing in it that is waited for. */
export const convergedView: View = {
  epoch: 'e1',
  revision: 7,
  converged: true,
  nodes: [],
  services: [],
  pending: [],
  problems: [],
  unwatched: [],
  putAside: 0,
};
