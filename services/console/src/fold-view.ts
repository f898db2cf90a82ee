import type { Outlook } from '@fairway/bus';
import {
  awaited,
  type DriftView,
  type EndpointView,
  hasEnded,
  isSameLife,
  type Mesh,
  type Node,
  type NodeView,
  type Outcome,
  type Pending,
  type Service,
  type ServiceView,
  stateHere,
  type View,
} from '@fairway/mesh';

type Applied = Extract<Outcome, { kind: 'applied' }>;
type Failed = Extract<Outcome, { kind: 'failed' }>;

/** A node's last outcomes. */
export type NodeOutcomes = {
  readonly applied?: { readonly outcome: Applied; readonly epoch: string };
  /** The last apply that changed a rule. */
  readonly changed?: Applied;
  /** The last apply, if it failed. */
  readonly failed?: Failed;
  /** By namespace, what others changed there last. */
  readonly drifts?: ReadonlyMap<string, DriftView>;
};

/** What the console has heard beside the mesh. */
export type Heard = {
  /** By the node's id. */
  readonly outcomes: ReadonlyMap<string, NodeOutcomes>;
  /** How many messages were put aside. */
  readonly putAside?: number;
  /** What of the mesh the console itself cannot read, by its key, and why. */
  readonly unreadable?: ReadonlyMap<string, string>;
  /** How many messages of a sender are refused in a second, by its id. */
  readonly throttled?: ReadonlyMap<string, number>;
  /** How far each sentinel sees; undefined where nobody listened for long enough. */
  readonly outlooks?: readonly Outlook[];
};

/** Nobody's eyes: the console sees what the mesh says, and no containers of its own. */
const nobody = { node: '', containers: new Map() };

/** The mesh and what is heard beside it, as people want to see them: a pure function of both. */
export function foldView(
  mesh: Mesh,
  { outcomes, putAside = 0, unreadable = new Map(), throttled = new Map(), outlooks }: Heard,
): View {
  const { epoch, revision } = mesh.generation;
  const pending: Pending[] = [];
  const problems = new Map<string, Pending>();
  const add = (about: string, why: string) => problems.set(`${about} ${why}`, { about, why });
  for (const [sender, refused] of throttled) {
    const about = `node ${mesh.nodes.get(sender)?.claim?.name ?? sender}`;
    const told = refused > 0 ? `: ${refused} messages were refused in a second` : ', and is not heard for a while';
    add(about, `it tells more than is taken${told}. What is behind it?`);
  }
  for (const [key, reason] of unreadable) add(key, `the console cannot read it and shows what it had: ${reason}`);
  if (!mesh.complete) {
    pending.push({
      about: 'mesh',
      why: 'no complete listing from a manager yet; until then nothing is removed anywhere',
    });
  }

  const members = [...mesh.nodes].filter(([, node]) => node.removedMs === undefined);
  const nodes = members.map(([id, node]) => viewNode(id, node, epoch, outcomes.get(id), lostBy(id, mesh)));
  for (const node of nodes) pending.push(...awaitedOfNode(node, revision, outcomes.get(node.id)?.applied?.outcome));

  const services = [...mesh.services.values()]
    .filter(({ removedMs }) => removedMs === undefined)
    .map((service) => viewService(service, mesh));
  const nameOf = (id: string) => nodes.find((node) => node.id === id)?.name ?? id;
  for (const service of services) pending.push(...awaitedOfService(service, nameOf));
  for (const { name, lost } of nodes)
    if (lost !== undefined && outlooks?.length === 0)
      add(`node ${name}`, 'it is lost on record, and no sentinel is heard that would find it again: start one');

  // What a node said that has left, is down or has yet to apply this epoch is no longer, or not yet, so.
  for (const node of nodes.filter((held) => isThere(held) && held.applied !== undefined)) {
    for (const { kind, about, why } of outcomes.get(node.id)?.applied?.outcome.notes ?? [])
      if (kind === 'refused') add(about, why);
  }

  return {
    epoch,
    revision,
    converged: pending.length === 0 && problems.size === 0,
    nodes: nodes.sort((a, b) => a.name.localeCompare(b.name)),
    services: services.sort((a, b) => a.name.localeCompare(b.name)),
    unwatched: outlooks ? unwatched(outlooks, nameOf) : [],
    pending,
    putAside,
    problems: [...problems.values()],
  };
}

function viewNode(
  id: string,
  { claim }: Node,
  epoch: string,
  outcomes: NodeOutcomes | undefined,
  lost: string | undefined,
): NodeView {
  const { applied, changed, failed, drifts } = outcomes ?? {};
  const current = applied?.epoch === epoch ? applied : undefined;
  return {
    id,
    name: claim?.name ?? id,
    state: claim?.state ?? 'unknown',
    ...(claim ? { role: claim.role, availability: claim.availability } : {}),
    ...(current ? { applied: current.outcome.to } : {}),
    ...(changed ? { changeMs: changed.durationMs } : {}),
    ...(failed ? { failure: failed.reason } : {}),
    ...(drifts ? { drifts: [...drifts.values()] } : {}),
    ...(lost === undefined ? {} : { lost }),
  };
}

/** Nothing is waited for of a node that Docker or the sentinels took down: it has no traffic, and the others go on. */
function isThere({ state, lost }: NodeView): boolean {
  return state === 'ready' && lost === undefined;
}

/** Why sentinels took a node down in the life that it has; undefined where they did not. */
function lostBy(id: string, { nodes, reach: recorded }: Mesh): string | undefined {
  const reach = recorded.get(id);
  if (reach?.state !== 'down' || !isSameLife(reach.incarnation, nodes.get(id)?.incarnation)) return undefined;
  const silent = reach.votes.filter(({ sight }) => sight === 'silent');
  const peers = silent.map(({ peer }) => nodes.get(peer)?.claim?.name ?? peer).sort();
  return `${reach.by} hears no beat of it, and ${peers.join(' and ')} ${peers.length === 1 ? 'does' : 'do'} not reach it`;
}

function unwatched(outlooks: readonly Outlook[], nameOf: (id: string) => string): Pending[] {
  if (outlooks.length === 0) {
    const why = 'none is heard: a node that is lost keeps its traffic until Docker notices, some 15 s. Is one running?';
    return [{ about: 'sentinels', why }];
  }
  return outlooks
    .filter(({ unheard }) => unheard.length > 0)
    .map(({ sentinel, unheard, expected, blind }) => {
      const nodes = unheard.map(nameOf).sort().join(', ');
      const why = blind
        ? `it hears ${expected - unheard.length} of ${expected} nodes, and takes itself for blind: all keep their traffic`
        : `it hears no beat of ${nodes}, and nobody confirms that they are lost: they keep their traffic`;
      return { about: `sentinel ${sentinel}`, why };
    });
}

function awaitedOfNode(node: NodeView, revision: number, last: Applied | undefined): Pending[] {
  if (!isThere(node)) return [];
  const about = `node ${node.name}`;
  if (node.failure) return [{ about, why: `its last apply failed, and is tried again: ${node.failure}` }];
  if (node.applied === undefined) {
    return [
      { about, why: 'its node process has applied nothing in this epoch; is it running, and does it reach the bus?' },
    ];
  }
  const notes = (last?.notes ?? []).filter(({ kind }) => kind === 'waiting');
  return [
    ...(node.applied < revision ? [{ about, why: `it has applied revision ${node.applied} of ${revision}` }] : []),
    // Also while it lags: on a busy swarm there is always a change that it has yet to apply.
    ...notes.map((note) => ({ about: `${about}, ${note.about}`, why: note.why })),
  ];
}

function viewService(service: Service, mesh: Mesh): ServiceView {
  const { spec } = service;
  const endpoints = service.endpoints
    .filter((endpoint) => !hasEnded(endpoint))
    .map((endpoint): EndpointView => {
      const waitedFor = awaited(endpoint);
      return {
        task: endpoint.task,
        node: endpoint.node,
        state: stateHere(endpoint, mesh, nobody),
        addresses: endpoint.addresses.map(({ address }) => address.text),
        sinceMs: endpoint.sinceMs,
        ...(waitedFor === undefined ? {} : { awaited: waitedFor }),
      };
    });
  return {
    id: spec.id,
    name: spec.name,
    mode: spec.mode,
    ports: spec.ports.map(({ protocol, first, target }) => `${first}→${target}/${protocol}`),
    vips: spec.vips.flatMap(({ network, address }) => {
      const held = mesh.networks.get(network);
      return held?.ingress ? [] : [`${address.text} (${held?.name ?? network})`];
    }),
    ...(spec.replicas === undefined ? {} : { replicas: spec.replicas }),
    ...(spec.update === undefined ? {} : { update: spec.update }),
    serving: endpoints.filter(({ state }) => state === 'serving').length,
    endpoints,
  };
}

function awaitedOfService(service: ServiceView, nameOf: (id: string) => string): Pending[] {
  if (service.mode !== 'vip' || service.ports.length + service.vips.length === 0) return [];
  const about = `service ${service.name}`;
  const tasks = service.endpoints
    .filter(({ awaited: why }) => why !== undefined)
    .map(({ task, node, awaited: why }) => ({ about, why: `task ${task} on ${nameOf(node)} waits for ${why}` }));
  if (tasks.length > 0) return tasks;
  const wanted = service.replicas ?? service.serving;
  return service.serving < wanted ? [{ about, why: `${service.serving} of ${wanted} tasks serve` }] : [];
}
