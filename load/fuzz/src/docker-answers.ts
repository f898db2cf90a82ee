import {
  engineContainer,
  engineNetwork,
  engineNode,
  engineService,
  engineTask,
  MemoryDocker,
  noObjects,
} from '@fairway/watcher';

/** What a Docker Engine answers, object by object, as JSON. */
export type Answers = {
  readonly services: unknown;
  readonly tasks: unknown;
  readonly nodes: unknown;
  readonly networks: unknown;
  readonly containers: unknown;
};

const ingress = 'ingressnetwork00000000001';
const back = 'backnetwork0000000000001';

const ports = (published: number) => [
  { Protocol: 'tcp', TargetPort: 80, PublishedPort: published, PublishMode: 'ingress' },
  { Protocol: 'udp', TargetPort: 53, PublishedPort: published, PublishMode: 'ingress' },
];

const service = (id: string, host: number, published: number, labels: Record<string, string>) => ({
  ID: id,
  Version: { Index: 20 + host },
  Spec: {
    Name: id,
    Labels: labels,
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: 'vip', Ports: ports(published) },
  },
  Endpoint: {
    Spec: { Mode: 'vip', Ports: ports(published) },
    Ports: ports(published),
    VirtualIPs: [
      { NetworkID: ingress, Addr: `10.0.0.${host}/24` },
      { NetworkID: back, Addr: `10.0.1.${host}/24` },
    ],
  },
  UpdateStatus: { State: 'completed' },
});

const task = (id: string, of: string, node: string, host: number) => ({
  ID: id,
  Version: { Index: 40 + host },
  ServiceID: of,
  NodeID: node,
  DesiredState: 'running',
  Status: { State: 'running' },
  NetworksAttachments: [
    { Network: { ID: ingress }, Addresses: [`10.0.0.${host}/24`] },
    { Network: { ID: back }, Addresses: [`10.0.1.${host}/24`] },
  ],
});

const node = (id: string, role: 'manager' | 'worker') => ({
  ID: id,
  Version: { Index: 10 },
  Spec: { Labels: {}, Role: role, Availability: 'active' },
  Description: { Hostname: id },
  Status: { State: 'ready' },
});

const network = (id: string, name: string, isIngress: boolean) => ({
  Id: id,
  Name: name,
  Driver: 'overlay',
  Scope: 'swarm',
  Ingress: isIngress,
  Attachable: false,
  Internal: false,
  Options: {},
});

const container = (of: string, id: string, at: string) => ({
  Id: `container${id}`,
  State: { Status: 'running', Health: { Status: 'healthy' } },
  Config: {
    StopSignal: 'SIGTERM',
    Labels: {
      'com.docker.swarm.task.id': id,
      'com.docker.swarm.service.id': of,
      'com.docker.swarm.node.id': at,
    },
  },
});

/** A swarm of node n1 with a service on it whose answers are right: `calm`, published at 7000. */
const calm: Answers = {
  services: [service('calm', 5, 7000, {})],
  tasks: [task('calmtask', 'calm', 'n1', 6)],
  nodes: [node('n1', 'manager')],
  networks: [network(ingress, 'ingress', true), network(back, 'back', false)],
  containers: [container('calm', 'calmtask', 'n1')],
};

/** What is in the swarm besides, and is to be changed. */
export const wild: Answers = {
  services: [service('wild', 100, 9000, { 'fairway.scheduler': 'lc', 'fairway.one-packet': 'true', other: '1' })],
  tasks: [task('wildtask1', 'wild', 'n1', 101), task('wildtask2', 'wild', 'n2', 102)],
  nodes: [node('n2', 'worker')],
  // Of two ingress networks, which no swarm has, the one with the higher id counts.
  networks: [network('awildnetwork000000000001', 'wild', false)],
  containers: [container('wild', 'wildtask1', 'n1')],
};

/** Docker on node n1, which answers for both. What does not fit the Engine API is put aside as `connectDocker` does. */
export function dockerWith(other: unknown): MemoryDocker {
  const objects = noObjects();
  const docker = new MemoryDocker({ node: 'n1', swarm: 'swarm1', manager: true, state: 'active' }, objects);
  fill(objects.services, engineService, 'services', other, ({ ID }) => ID);
  fill(objects.tasks, engineTask, 'tasks', other, ({ ID }) => ID);
  fill(objects.nodes, engineNode, 'nodes', other, ({ ID }) => ID);
  fill(objects.networks, engineNetwork, 'networks', other, ({ Id }) => Id);
  fill(docker.containers, engineContainer, 'containers', other, ({ Id }) => Id);
  return docker;
}

type Shape<T> = { safeParse(answer: unknown): { success: true; data: T } | { success: false } };

function fill<T>(
  map: Map<string, T | 'malformed'>,
  shape: Shape<T>,
  kind: keyof Answers,
  other: unknown,
  idOf: (object: T) => string,
): void {
  const more = (other as Answers | null)?.[kind];
  for (const answer of [...(Array.isArray(more) ? more : []), ...(calm[kind] as unknown[])]) {
    const read = shape.safeParse(answer);
    if (read.success) map.set(idOf(read.data), read.data);
    else map.set(`malformed${map.size}`, 'malformed');
  }
}
