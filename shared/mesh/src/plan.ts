import type { Address } from './address.ts';
import { type ContainerState, type Endpoint, type EndpointState, endpointState } from './endpoint.ts';
import type { Generation } from './generation.ts';
import { type Incarnation, sameIncarnation } from './incarnation.ts';
import type { Mesh } from './mesh.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';
import type { Note } from './outcome.ts';
import { type PublishedPort, showPort } from './port.ts';
import type { Service } from './service.ts';

/** What only the node itself knows, and needs for its plan. */
export type OwnFacts = {
  readonly node: string;
  /** The life that the node is in now; absent where it is not known. */
  readonly incarnation?: Incarnation;
  /** The ingress sandbox's address on docker_gwbridge; absent while the node has no ingress sandbox. */
  readonly gateway?: Address;
  /** Its own tasks' containers as its own watcher saw them last: a local death counts before the bus tells of it. */
  readonly containers: ReadonlyMap<string, { readonly state: ContainerState; readonly tick: number }>;
};

/** Where a new connection may be sent. */
export type Backend = { readonly task: string; readonly address: Address; readonly port: number };

/** One published port and all that may answer it. Without backends it is refused. */
export type PortPlan = {
  readonly service: string;
  readonly port: PublishedPort;
  readonly backends: readonly Backend[];
};

/** One node's complete wish. Nothing is left to choose when it is applied. */
export type Plan = {
  readonly node: string;
  readonly generation: Generation;
  /** Whether what is not in the plan may be removed; not before the first complete listing of an epoch. */
  readonly prune: boolean;
  /** Absent while the node has no ingress sandbox to lead ports to. */
  readonly ingress?: { readonly gateway: Address; readonly ports: readonly PortPlan[] };
  readonly notes: readonly Note[];
};

/**
 * The node's plan: a pure function of the mesh and of what the node knows itself, the same wherever it is computed.
 * Each published port belongs to the live service with the highest `Version.Index`, each address to the live task
 * with the highest one; ids decide where those are equal.
 */
export function plan(mesh: Mesh, own: OwnFacts): Plan {
  const notes: Note[] = [];
  const base = { node: own.node, generation: mesh.generation, prune: mesh.complete, notes };
  if (!mesh.complete)
    notes.push({ kind: 'waiting', about: 'mesh', why: 'no complete listing from a manager yet; nothing is removed' });

  const ingress = ingressNetwork(mesh);
  if (!ingress) {
    notes.push({ kind: 'waiting', about: 'ingress', why: 'no manager has reported an ingress network' });
    return base;
  }
  if (!own.gateway) {
    notes.push({
      kind: 'waiting',
      about: 'ingress_sbox',
      why: 'this node has no ingress sandbox yet; Docker makes it when the node joins',
    });
    return base;
  }

  const owners = addressOwners(mesh, ingress.id, own);
  const ports: PortPlan[] = [];
  for (const { service, port } of ownedPorts(mesh, notes)) {
    const all = service.endpoints.map((endpoint) => ({ endpoint, state: stateHere(endpoint, mesh, own) }));
    const serving = all.filter(({ state }) => state === 'serving');
    // Where everything is on its way out, a connection to a draining task is better than none.
    const used = serving.length > 0 ? serving : all.filter(({ state }) => state === 'draining');
    const backends: Backend[] = [];
    for (const { endpoint } of used) {
      const address = addressOn(endpoint, ingress.id);
      if (!address) continue;
      const owner = owners.get(address.text);
      if (owner !== endpoint) {
        notes.push({
          kind: 'refused',
          about: service.spec.name,
          why: `task ${endpoint.task} claims ${address.text}, which belongs to task ${owner?.task}`,
        });
        continue;
      }
      backends.push({ task: endpoint.task, address, port: port.target });
    }
    backends.sort((a, b) => order(a.task, b.task));
    ports.push({ service: service.spec.id, port, backends });
  }
  return { ...base, ingress: { gateway: own.gateway, ports } };
}

/** The swarm's ingress network, the newest one where it was made anew. */
export function ingressNetwork(mesh: Mesh): Network | undefined {
  return [...mesh.networks.values()]
    .filter((network) => network.ingress && network.removedMs === undefined)
    .sort((a, b) => b.index - a.index || order(b.id, a.id))[0];
}

/** What a node sees of its own endpoints. */
type Eyes = Pick<OwnFacts, 'node' | 'incarnation' | 'containers'>;

/** What an endpoint is to this node: the mesh's word, corrected by its node's life and by the node's own eyes. */
export function stateHere(endpoint: Endpoint, mesh: Mesh, own: Eyes): EndpointState {
  if (isLost(endpoint, mesh.nodes.get(endpoint.node))) return 'gone';
  const isOwn = endpoint.node === own.node;
  // What an earlier life of this node held is gone, and its ticks mean nothing in this one.
  if (isOwn && own.incarnation && endpoint.incarnation && !sameIncarnation(own.incarnation, endpoint.incarnation)) {
    return 'gone';
  }
  const seen = isOwn ? own.containers.get(endpoint.task) : undefined;
  const newer = seen && seen.tick > (endpoint.tick ?? -1) ? seen.state : undefined;
  const withdrawn = newer === 'dead' || newer === 'stopping' || newer === 'unhealthy';
  return endpointState(withdrawn ? { claim: endpoint.claim, container: newer } : endpoint);
}

function isLost(endpoint: Endpoint, node: Node | undefined): boolean {
  if (!node) return false;
  if (node.removedMs !== undefined || node.claim?.state === 'down') return true;
  if (!node.incarnation || !endpoint.incarnation) return false;
  return !sameIncarnation(node.incarnation, endpoint.incarnation);
}

function addressOn(endpoint: Endpoint, network: string): Address | undefined {
  return endpoint.addresses.find((held) => held.network === network)?.address;
}

function addressOwners(mesh: Mesh, network: string, own: OwnFacts): Map<string, Endpoint> {
  const owners = new Map<string, Endpoint>();
  for (const service of mesh.services.values()) {
    if (service.removedMs !== undefined) continue;
    for (const endpoint of service.endpoints) {
      const address = addressOn(endpoint, network);
      if (!address || stateHere(endpoint, mesh, own) === 'gone') continue;
      const held = owners.get(address.text);
      if (!held || endpoint.index > held.index || (endpoint.index === held.index && endpoint.task > held.task)) {
        owners.set(address.text, endpoint);
      }
    }
  }
  return owners;
}

function ownedPorts(mesh: Mesh, notes: Note[]): { service: Service; port: PublishedPort }[] {
  const live = [...mesh.services.values()]
    .filter(({ spec, removedMs }) => removedMs === undefined && spec.mode === 'vip' && spec.ports.length > 0)
    .sort((a, b) => b.spec.index - a.spec.index || order(a.spec.id, b.spec.id));
  const taken = new Map<string, Service>();
  const owned: { service: Service; port: PublishedPort }[] = [];
  for (const service of live) {
    for (const port of service.spec.ports) {
      const key = showPort(port);
      const owner = taken.get(key);
      if (owner && owner !== service) {
        notes.push({
          kind: 'refused',
          about: service.spec.name,
          why: `${key} belongs to ${owner.spec.name}, which was changed later; publish another port`,
        });
        continue;
      }
      if (owner) continue;
      taken.set(key, service);
      owned.push({ service, port });
    }
  }
  return owned;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
