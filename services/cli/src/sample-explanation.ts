import type { Explanation } from '@fairway/mesh';

/** For tests: an explanation with one of everything. */
export const sampleExplanation: Explanation = {
  node: 'alpha',
  target: '8000/tcp',
  revision: 42,
  service: 'web',
  backends: [
    {
      task: 't1',
      service: 'web',
      node: 'alpha',
      address: '10.0.0.5:80',
      state: 'serving',
      sinceMs: 0,
      planned: true,
      held: true,
    },
    { task: 't2', service: 'web', node: 'beta', address: '10.0.0.6:80', state: 'serving', sinceMs: 0, planned: true },
    {
      task: 't3',
      service: 'web',
      node: 'beta',
      state: 'starting',
      sinceMs: 60_000,
      awaited: 'its container to run',
      planned: false,
      held: false,
    },
  ],
  kernel: [
    { what: 'host: 8000/tcp leads to 172.18.0.2', held: true },
    { what: 'ingress_sbox: 8000/tcp is spread over 2 tasks' },
  ],
  notes: [
    { kind: 'waiting', about: 'web', why: 'network ingress has no way to 10.0.0.7 yet, task t4 on node n2' },
    { kind: 'refused', about: 'late', why: '8000/tcp belongs to web, which was changed later; publish another port' },
  ],
  causes: [
    { event: 'container start', atMs: 60_000, trace: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  ],
};
