import type { Address } from './address.ts';
import type { Endpoint, EndpointState } from './endpoint.ts';
import { addressOn, stateHere } from './endpoint-here.ts';
import type { Generation } from './generation.ts';
import type { Mesh } from './mesh.ts';
import { ingressNetwork, type Network, sandboxOf } from './network.ts';
import { order } from './order.ts';
import type { Note } from './outcome.ts';
import type { OwnFacts } from './own-facts.ts';
import { AddressOwners, ownedPorts, ownedVips } from './owners.ts';
import { type Policy, policyOf } from './policy.ts';
import type { PublishedPort } from './port.ts';
import type { Service } from './service.ts';

/** Where a new connection may be sent: a task's address on the network in question. */
export type Backend = {
  readonly task: string;
  readonly address: Address;
  /** It is on its way out, not well, or not reached for a while, and only keeps the connections that it has. */
  readonly drains?: true;
};

/**
 * One published port and all that may answer it, at the port's target. Without backends that take new connections it is
 * refused.
 */
export type PortPlan = {
  readonly service: string;
  readonly policy: Policy;
  readonly port: PublishedPort;
  readonly backends: readonly Backend[];
};

/** One virtual IP and all that may answer it likewise, each at the port that was asked for. */
export type VipPlan = {
  readonly service: string;
  readonly policy: Policy;
  readonly vip: Address;
  readonly backends: readonly Backend[];
};

/** What the node balances on one overlay network that it takes part in, in the sandbox that Docker made for that. */
export type NetworkPlan = { readonly network: string; readonly sandbox: string; readonly vips: readonly VipPlan[] };

/** One node's complete wish. Nothing is left to choose when it is applied. */
export type Plan = {
  readonly node: string;
  readonly generation: Generation;
  /** Whether what is not in the plan may be removed; not before the first complete listing of an epoch. */
  readonly prune: boolean;
  /** Absent while the node has no ingress sandbox to lead ports to. */
  readonly ingress?: { readonly network: string; readonly gateway: Address; readonly ports: readonly PortPlan[] };
  readonly networks: readonly NetworkPlan[];
  readonly notes: readonly Note[];
};

/**
 * The node's plan: a pure function of the mesh and of what the node knows itself, the same wherever it is computed.
 * Each published port and each virtual IP belongs to the live service with the highest `Version.Index`, each address
 * to the live task with the highest one; ids decide where those are equal.
 */
export function plan(mesh: Mesh, own: OwnFacts): Plan {
  const notes: Note[] = [];
  if (!mesh.complete)
    notes.push({ kind: 'waiting', about: 'mesh', why: 'no complete listing from a manager yet; nothing is removed' });
  const draft: Draft = { mesh, own, notes, owners: new AddressOwners(mesh, own) };
  const ingress = planIngress(draft);
  return {
    node: own.node,
    generation: mesh.generation,
    prune: mesh.complete,
    ...(ingress ? { ingress } : {}),
    networks: planNetworks(draft),
    notes: distinct(notes),
  };
}

/** A task that several ports of its service lead to is waited for, or refused, for each of them. */
function distinct(notes: readonly Note[]): readonly Note[] {
  return [...new Map(notes.map((note) => [`${note.kind} ${note.about} ${note.why}`, note])).values()];
}

/** What a plan is made of, while it is made. */
type Draft = {
  readonly mesh: Mesh;
  readonly own: OwnFacts;
  readonly notes: Note[];
  readonly owners: AddressOwners;
};

function planIngress(draft: Draft): Plan['ingress'] {
  const { mesh, own, notes } = draft;
  const ingress = ingressNetwork(mesh);
  if (!ingress) {
    notes.push({ kind: 'waiting', about: 'ingress', why: 'no manager has reported an ingress network' });
    return undefined;
  }
  if (!own.gateway) {
    notes.push({
      kind: 'waiting',
      about: sandboxOf(ingress),
      why: 'this node has no ingress sandbox yet; Docker makes it when the node joins',
    });
    return undefined;
  }
  const ports = ownedPorts(mesh, notes).map(({ service, port }) => ({
    service: service.spec.id,
    policy: policyOf(service.spec, notes),
    port,
    backends: backendsOn(ingress, service, draft),
  }));
  return { network: ingress.id, gateway: own.gateway, ports };
}

/** A network without a sandbox here is one that no container of this node is on: nobody asks this node for its VIPs. */
function planNetworks(draft: Draft): NetworkPlan[] {
  const { mesh, own, notes } = draft;
  const vips = ownedVips(mesh, notes);
  return [...mesh.networks.values()]
    .filter((network) => !network.ingress && network.removedMs === undefined && own.sandboxes.has(sandboxOf(network)))
    .sort((a, b) => order(a.id, b.id))
    .map((network) => ({
      network: network.id,
      sandbox: sandboxOf(network),
      vips: (vips.get(network.id) ?? []).map(({ service, vip }) => ({
        service: service.spec.id,
        policy: policyOf(service.spec, notes),
        vip,
        backends: backendsOn(network, service, draft),
      })),
    }));
}

function backendsOn(network: Network, service: Service, draft: Draft): Backend[] {
  const takes = takingOn(network, service, draft);
  const taking = new Set(takes.map(({ task }) => task));
  const others = livingBackends(network, service, draft).filter(({ task }) => !taking.has(task));
  return [...takes, ...others.map((backend) => ({ ...backend, drains: true }) as const)].sort((a, b) =>
    order(a.task, b.task),
  );
}

/** Who takes new connections. Where everything is in doubt, or on its way out, a connection to such a task is better than none. */
function takingOn(network: Network, service: Service, draft: Draft): readonly Backend[] {
  const serving = backendsThatAre('serving', network, service, draft);
  const isDoubted = ({ address }: Backend) => draft.own.doubted?.get(network.id)?.has(address.text) === true;
  const sure = serving.filter((backend) => !isDoubted(backend));
  if (sure.length === 0) return serving.length > 0 ? serving : backendsThatAre('draining', network, service, draft);
  for (const { task, address } of serving.filter(isDoubted)) {
    const why = `no answer from ${address.text} on network ${network.name} yet, task ${task}`;
    draft.notes.push({ kind: 'waiting', about: service.spec.name, why });
  }
  return sure;
}

function backendsThatAre(state: EndpointState, network: Network, service: Service, draft: Draft): Backend[] {
  const { mesh, own, notes, owners } = draft;
  const about = service.spec.name;
  return service.endpoints.flatMap((endpoint): Backend[] => {
    const { task } = endpoint;
    const address = addressOn(endpoint, network.id);
    if (!address || stateHere(endpoint, mesh, own) !== state) return [];
    const owner = owners.ownerOf(network.id, address);
    if (owner !== endpoint) {
      const why = `task ${task} claims ${address.text}, which belongs to task ${owner?.task}`;
      notes.push({ kind: 'refused', about, why });
      return [];
    }
    if (!isReached(endpoint, network, address, own)) {
      const why = `${noWay(network)} to ${address.text} yet, task ${task} on node ${endpoint.node}`;
      notes.push({ kind: 'waiting', about, why });
      return [];
    }
    return [{ task, address }];
  });
}

/** What may have connections: also one that is not well, or that no way leads to for a while. */
const livingStates: readonly EndpointState[] = ['serving', 'unhealthy', 'draining'];

/** What is wrong with one that gets no new connection is nobody's concern. */
function livingBackends(network: Network, service: Service, { mesh, own, owners }: Draft): Backend[] {
  return service.endpoints.flatMap((endpoint): Backend[] => {
    const address = addressOn(endpoint, network.id);
    if (!address || !livingStates.includes(stateHere(endpoint, mesh, own))) return [];
    return owners.ownerOf(network.id, address) === endpoint ? [{ task: endpoint.task, address }] : [];
  });
}

function isReached({ node }: Endpoint, network: Network, address: Address, own: OwnFacts): boolean {
  return node === own.node || !own.reach || own.reach.get(network.id)?.has(address.text) === true;
}

function noWay({ name, encrypted }: Network): string {
  return encrypted
    ? `network ${name} has no encrypted way (without ESP in its kernel a node has none)`
    : `network ${name} has no way`;
}
