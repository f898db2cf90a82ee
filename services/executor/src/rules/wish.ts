import { type Address, type Backend, type Note, type Plan, type Policy, type Scheduler, showPort } from '@fairway/mesh';
import {
  type HostRules,
  type IngressWish,
  type NetworkWish,
  type PortKey,
  portKey,
  type ServiceKey,
  type ServiceWish,
  showTarget,
  type Target,
  vipKey,
} from './rules.ts';

/** What a plan asks of a node's namespaces, and what of it these rules cannot say. */
export type Wish = {
  /** Absent, as is the host's, where the plan has no ingress sandbox to lead ports to: both then keep what they have. */
  readonly ingress?: IngressWish;
  readonly host?: HostRules;
  /** By the name of the sandbox. */
  readonly networks: ReadonlyMap<string, NetworkWish>;
  readonly notes: readonly Note[];
};

/**
 * A plan as wanted rules. A range of ports becomes one entry per port number. SCTP and IPv6 are left out, and a scheduler
 * that is not available is `rr`, each with a note.
 */
export function wishFromPlan(
  { ingress, networks }: Pick<Plan, 'ingress' | 'networks'>,
  available: ReadonlySet<Scheduler>,
): Wish {
  const notes: Note[] = [];
  return {
    ...(ingress ? wishForPorts(ingress, available, notes) : {}),
    networks: new Map(networks.map((network) => [network.sandbox, wishForVips(network, available, notes)])),
    notes,
  };
}

function wishForPorts(
  { gateway, ports }: NonNullable<Plan['ingress']>,
  available: ReadonlySet<Scheduler>,
  notes: Note[],
): Pick<Wish, 'host' | 'ingress'> {
  const host = new Map<PortKey, Address>();
  const services = new Map<ServiceKey, ServiceWish>();
  if (gateway.family !== 'ip')
    notes.push({ kind: 'refused', about: 'ingress_sbox', why: `leads over ${gateway.text}; only IPv4 is served` });
  for (const { port, backends, policy } of gateway.family === 'ip' ? ports : []) {
    const about = showPort(port);
    if (port.protocol === 'sctp') {
      notes.push({ kind: 'refused', about, why: 'SCTP has no rules; publish it in host mode' });
      continue;
    }
    const served = onlyIpv4(backends, about, notes);
    const used = onlyAvailable(policy, available, about, notes);
    for (let offset = 0; offset <= port.last - port.first; offset += 1) {
      const key = portKey(port.protocol, port.first + offset);
      host.set(key, gateway);
      services.set(
        key,
        wishFor(served, used, (address) => ({ address, port: port.target + offset })),
      );
    }
  }
  return { host: { kind: 'host', ports: host }, ingress: { kind: 'ingress', gateway, services } };
}

function wishForVips(
  { vips }: Plan['networks'][number],
  available: ReadonlySet<Scheduler>,
  notes: Note[],
): NetworkWish {
  const services = new Map<ServiceKey, ServiceWish>();
  for (const { vip, backends, policy } of vips) {
    const about = `VIP ${vip.text}`;
    if (vip.family !== 'ip') notes.push({ kind: 'refused', about, why: 'only IPv4 is served' });
    else
      services.set(
        vipKey(vip),
        wishFor(onlyIpv4(backends, about, notes), onlyAvailable(policy, available, about, notes), (address) => ({
          address,
        })),
      );
  }
  return { kind: 'network', services };
}

function onlyIpv4(backends: readonly Backend[], about: string, notes: Note[]): readonly Backend[] {
  return backends.filter(({ address }) => {
    if (address.family === 'ip') return true;
    notes.push({ kind: 'refused', about, why: `${address.text}: only IPv4 is served` });
    return false;
  });
}

function onlyAvailable(policy: Policy, available: ReadonlySet<Scheduler>, about: string, notes: Note[]): Policy {
  if (available.has(policy.scheduler)) return policy;
  const why = `this node has no scheduler ${policy.scheduler} (it takes IPVS and its module ip_vs_${policy.scheduler}); tasks take turns`;
  notes.push({ kind: 'refused', about, why });
  return { ...policy, scheduler: 'rr' };
}

function wishFor(backends: readonly Backend[], policy: Policy, targetAt: (address: Address) => Target): ServiceWish {
  const at = (drains: boolean) =>
    distinct(backends.filter((one) => (one.drains ?? false) === drains).map(({ address }) => targetAt(address)));
  return { targets: at(false), draining: at(true), policy };
}

function distinct(targets: readonly Target[]): readonly Target[] {
  return [...new Map(targets.map((target) => [showTarget(target), target])).values()];
}
