import {
  type Address,
  type Asked,
  addressOn,
  awaited,
  type Backend,
  type Explanation,
  hasEnded,
  type Mesh,
  type Network,
  type Note,
  type OwnFacts,
  type Plan,
  type Protocol,
  protocols,
  type Service,
  sandboxOf,
  showPort,
  stateHere,
} from '@fairway/mesh';
import { fileOf, type Namespace, type Sandbox } from './kernel/kernel.ts';
import { portKey, type Rules, type ServiceKey, showTarget, vipKey } from './rules/rules.ts';
import { servicesIn, targetsOf } from './rules/targets.ts';

/** What the executor made of the mesh last, and of what. */
export type Planned = {
  readonly mesh: Mesh;
  readonly own: OwnFacts;
  readonly plan: Plan;
  /** The plan's own, and those on what of it rules cannot say. */
  readonly notes: readonly Note[];
};

/** By namespace, what the kernel has: undefined without a table, absent where it could not be read. */
export type InKernel = ReadonlyMap<Namespace, Rules | undefined>;

/** Where in the plan and in the kernel a target is. */
type Place = {
  readonly service?: Service;
  readonly unserved?: string;
  /** The network on which its backends are reached. */
  readonly network?: string;
  readonly served?: Served;
  /** What a note about it is about. */
  readonly abouts: readonly string[];
};

type Served = {
  readonly backends: readonly Backend[];
  readonly sandbox: Sandbox;
  readonly key: ServiceKey;
  /** The tasks' port; absent for a virtual IP, which leads to whatever port was asked for. */
  readonly port?: number;
  /** What the host leads to, for a published port. */
  readonly gateway?: Address;
};

/** Where this node leads a port or a virtual IP, why, and what of it is in its kernel: a pure function of all three. */
export function explain(asked: Asked, planned: Planned, found: InKernel): Explanation {
  const { mesh, plan, own } = planned;
  const place = placeOf(asked, planned);
  const target =
    asked.kind === 'port'
      ? `${asked.port}/${asked.protocol}`
      : `VIP ${asked.address.text}${elsewhere(asked.address, place, planned)}`;
  const { service, served, unserved, network } = place;
  const nameOf = (id: string) => mesh.nodes.get(id)?.claim?.name ?? id;
  const targets = served && targetsFound(served, found);
  const backends = (service?.endpoints ?? [])
    .filter((endpoint) => !hasEnded(endpoint))
    .map((endpoint) => {
      const { task, node, sinceMs } = endpoint;
      const address = network === undefined ? undefined : addressOn(endpoint, network);
      const waitedFor = awaited(endpoint);
      const shown = address && showTarget(served?.port === undefined ? { address } : { address, port: served.port });
      return {
        task,
        service: service?.spec.name ?? '',
        node: nameOf(node),
        ...(shown === undefined ? {} : { address: shown }),
        state: stateHere(endpoint, mesh, own),
        sinceMs,
        ...(waitedFor === undefined ? {} : { awaited: waitedFor }),
        planned: takingNew(served?.backends ?? []).some((backend) => backend.task === task),
        ...(targets ? { held: shown !== undefined && targets.has(shown) } : {}),
      };
    });
  return {
    node: nameOf(own.node),
    target,
    revision: plan.generation.revision,
    ...(service ? { service: service.spec.name } : {}),
    ...(unserved === undefined ? {} : { unserved }),
    backends,
    kernel: served ? entriesOf(served, target, found) : [],
    notes: planned.notes.filter((note) => concerns(note, place)),
    causes: [...(service?.causes ?? [])].reverse().map(({ event, atMs, trace }) => ({ event, atMs, trace })),
  };
}

/** What of the kernel has to be read to explain it. */
export function namespacesOf(asked: Asked, planned: Planned): readonly Namespace[] {
  const { served } = placeOf(asked, planned);
  if (!served) return [];
  return served.gateway ? ['host', served.sandbox] : [served.sandbox];
}

function placeOf(asked: Asked, planned: Planned): Place {
  return asked.kind === 'port' ? placeOfPort(asked, planned) : placeOfVip(asked.address, planned);
}

function placeOfPort({ protocol, port }: Extract<Asked, { kind: 'port' }>, { mesh, plan, notes }: Planned): Place {
  const publishes = ({ spec }: Service, which: Protocol = protocol) =>
    spec.ports.find((held) => held.protocol === which && held.first <= port && port <= held.last);
  const found = plan.ingress?.ports.find(
    (held) => held.port.protocol === protocol && held.port.first <= port && port <= held.port.last,
  );
  if (plan.ingress && found) {
    const service = mesh.services.get(found.service);
    return {
      ...(service ? { service } : {}),
      network: plan.ingress.network,
      abouts: [showPort(found.port), 'ingress_sbox'],
      served: {
        backends: found.backends,
        sandbox: 'ingress',
        key: portKey(protocol, port),
        port: found.port.target + port - found.port.first,
        gateway: plan.ingress.gateway,
      },
    };
  }
  const live = [...mesh.services.values()].filter(({ removedMs }) => removedMs === undefined);
  const claimant = live.find((service) => publishes(service));
  if (claimant && !plan.ingress) {
    const why = notes.find(({ about }) => about === 'ingress' || about === 'ingress_sbox')?.why;
    const unserved = `this node leads no published port to its tasks yet${why === undefined ? '' : `: ${why}`}`;
    return { service: claimant, unserved, abouts: ['ingress', 'ingress_sbox'] };
  }
  const other = protocols.find((which) => live.some((service) => publishes(service, which)));
  const sibling = other && live.find((service) => publishes(service, other));
  const unserved = sibling
    ? `${sibling.spec.name} publishes ${port} for ${other}, not for ${protocol}`
    : 'no service publishes it in mode ingress; what is published in mode host, as all ports of a dnsrr service are, is left to Docker';
  return { unserved, abouts: [] };
}

function placeOfVip(address: Address, { mesh, plan, own }: Planned): Place {
  const about = `VIP ${address.text}`;
  for (const { network, sandbox, vips } of plan.networks) {
    const found = vips.find(({ vip }) => vip.text === address.text);
    if (!found) continue;
    const service = mesh.services.get(found.service);
    const served = { backends: found.backends, sandbox: sandbox as Sandbox, key: vipKey(address) };
    return { ...(service ? { service } : {}), network, served, abouts: [about] };
  }
  const live = [...mesh.services.values()].filter(({ removedMs }) => removedMs === undefined);
  for (const service of live) {
    const vip = service.spec.vips.find((held) => held.address.text === address.text);
    if (vip) return { service, unserved: whyNoPart(service, mesh.networks.get(vip.network), own), abouts: [about] };
  }
  for (const service of live) {
    const endpoint = service.endpoints.find(
      (held) => !hasEnded(held) && held.addresses.some((one) => one.address.text === address.text),
    );
    if (!endpoint) continue;
    const unserved = `it is no VIP but the address of task ${endpoint.task} itself, to which Docker's network leads`;
    return { service, unserved, abouts: [] };
  }
  const unserved = 'no service has this VIP; a dnsrr service has none, its name is answered with its tasks instead';
  return { unserved, abouts: [] };
}

/** Two networks may use the same subnet: then it says which one it tells of, and whose the address is on the others. */
function elsewhere(address: Address, { network }: Place, { mesh, plan }: Planned): string {
  const nameOf = (id: string) => mesh.networks.get(id)?.name ?? id;
  const others = plan.networks.flatMap((other) =>
    other.vips
      .filter(({ vip }) => other.network !== network && vip.text === address.text)
      .map(({ service }) => `${mesh.services.get(service)?.spec.name ?? service}'s on ${nameOf(other.network)}`),
  );
  return network === undefined || others.length === 0 ? '' : ` on ${nameOf(network)} (it is also ${others.join(', ')})`;
}

function whyNoPart({ spec }: Service, network: Network | undefined, own: OwnFacts): string {
  if (!network || network.removedMs !== undefined) return 'its network is not known to the mesh, or was removed';
  if (network.ingress)
    return `it is ${spec.name}'s on the ingress network, which nobody calls; ask for a published port`;
  if (!own.sandboxes.has(sandboxOf(network))) {
    return `this node takes no part in network ${network.name}: no container here is on it, so nobody here asks for it`;
  }
  return `the service is in mode ${spec.mode}, which is left to Docker`;
}

function takingNew(backends: readonly Backend[]): readonly Backend[] {
  return backends.filter(({ drains }) => !drains);
}

/** What the kernel balances it over; undefined where that could not be read. */
function targetsFound({ sandbox, key }: Served, found: InKernel): ReadonlySet<string> | undefined {
  if (!found.has(sandbox)) return undefined;
  const rules = found.get(sandbox);
  if (!rules || rules.kind === 'host') return new Set();
  return new Set(targetsOf(rules, key).map(showTarget));
}

function entriesOf(served: Served, target: string, found: InKernel): Explanation['kernel'] {
  const { sandbox, key, gateway, backends } = served;
  const entry = (namespace: Namespace, what: string, holds: (rules: Rules) => boolean) => {
    const rules = found.get(namespace);
    const name = namespace === 'host' ? namespace : fileOf(namespace);
    return { what: `${name}: ${what}`, ...(found.has(namespace) ? { held: !!rules && holds(rules) } : {}) };
  };
  const count = new Set(takingNew(backends).map(({ address }) => address.text)).size;
  const spread = count === 0 ? 'is refused' : `is spread over ${count} ${count === 1 ? 'task' : 'tasks'}`;
  const balanced = entry(sandbox, `${target} ${spread}`, (rules) => {
    if (rules.kind === 'host' || !servicesIn(rules).includes(key) || targetsOf(rules, key).length !== count)
      return false;
    return !('vips' in rules) || [...rules.vips].some((vip) => vip === key);
  });
  if (!gateway) return [balanced];
  const led = entry('host', `${target} leads to ${gateway.text}`, (rules) => {
    if (rules.kind !== 'host') return false;
    return [...rules.ports].some(([port, to]) => port === key && to.text === gateway.text);
  });
  return [led, balanced];
}

/** Whether a note is about the target, its service, or another service that claims the target in vain. */
function concerns({ about, why }: Note, { service, abouts }: Place): boolean {
  if (about === 'mesh' || about === service?.spec.name || abouts.includes(about)) return true;
  return abouts.some((what) => why.startsWith(`${what} belongs to`));
}
