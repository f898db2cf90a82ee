import { expect, it } from 'vitest';
import { engineService } from './engine-schema.ts';
import { serviceSpec } from './translate-service.ts';

// As Docker 20.10.24 answered, without TaskTemplate: ingress r6w7… 10.0.0.0/24, an overlay q919… 10.0.1.0/24.
const ports = [
  { Protocol: 'tcp', TargetPort: 80, PublishedPort: 8000, PublishMode: 'ingress' },
  { Protocol: 'udp', TargetPort: 81, PublishedPort: 8001, PublishMode: 'ingress' },
  { Protocol: 'tcp', TargetPort: 90, PublishMode: 'ingress' },
  { Protocol: 'tcp', TargetPort: 99, PublishedPort: 8099, PublishMode: 'host' },
];
const whoami = {
  ID: 'wfxnjjhf8m9kblzmk0vogtd4m',
  Version: { Index: 20 },
  Spec: {
    Name: 'whoami',
    Labels: { 'fairway.drain': '5s', other: '1' },
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: 'vip', Ports: ports },
  },
  Endpoint: {
    Spec: { Mode: 'vip', Ports: ports },
    Ports: ports.map((port) => (port.TargetPort === 90 ? { ...port, PublishedPort: 30000 } : port)),
    VirtualIPs: [
      { NetworkID: 'r6w78lbvxt46pag51tef374wf', Addr: '10.0.0.3/24' },
      { NetworkID: 'q9192ztx3wyzpii3egstmw0dg', Addr: '10.0.1.2/24' },
    ],
  },
};
const read = (service: unknown) => serviceSpec(engineService.parse(service));

it('takes ingress ports with their assigned numbers, VIPs, and the labels meant for Fairway', () => {
  expect(read(whoami)).toEqual({
    id: 'wfxnjjhf8m9kblzmk0vogtd4m',
    name: 'whoami',
    index: 20,
    mode: 'vip',
    ports: [
      { protocol: 'tcp', first: 8000, last: 8000, target: 80 },
      { protocol: 'udp', first: 8001, last: 8001, target: 81 },
      { protocol: 'tcp', first: 30000, last: 30000, target: 90 },
    ],
    vips: [
      { network: 'r6w78lbvxt46pag51tef374wf', address: { family: 'ip', text: '10.0.0.3' } },
      { network: 'q9192ztx3wyzpii3egstmw0dg', address: { family: 'ip', text: '10.0.1.2' } },
    ],
    labels: { 'fairway.drain': '5s' },
    replicas: 1,
  });
});

it('takes the mode of a dnsrr service from its wish, and no replicas from a global one', () => {
  const rr = {
    ID: 'vnb1dngy460edz8g6wqyhkpkr',
    Version: { Index: 23 },
    Spec: { Name: 'rr', Labels: {}, Mode: { Global: {} }, EndpointSpec: { Mode: 'dnsrr' } },
    Endpoint: { Spec: {} },
  };
  expect(read(rr)).toEqual({
    id: rr.ID,
    name: 'rr',
    index: 23,
    mode: 'dnsrr',
    ports: [],
    vips: [],
    labels: {},
  });
});

it('has no ports before Swarm has assigned them, and takes a missing mode for ingress', () => {
  expect(read({ ...whoami, Endpoint: { Spec: {} } }).ports).toEqual([]);
  const bare = { Ports: [{ Protocol: 'tcp', TargetPort: 80, PublishedPort: 8000 }], VirtualIPs: null };
  expect(read({ ...whoami, Endpoint: bare })).toMatchObject({ ports: [{ first: 8000 }], vips: [] });
});

it('refuses a VIP that is no address', () => {
  const odd = { ...whoami, Endpoint: { ...whoami.Endpoint, VirtualIPs: [{ NetworkID: 'n', Addr: '10.0.0/24' }] } };
  expect(engineService.safeParse(odd).success).toBe(false);
});

it.each([
  ['updating', { update: 'updating' }],
  ['rollback_completed', { update: 'rollback_completed' }],
  ['completed', {}],
  ['another word', {}],
])('an update that is %s', (State, expected) => {
  expect(read({ ...whoami, UpdateStatus: { State } })).toEqual({ ...read(whoami), ...expected });
});
