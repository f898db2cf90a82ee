import { type Address, type Backend, type Note, type Plan, showPort } from '@fairway/mesh';
import {
  type HostRules,
  type PortKey,
  portKey,
  type SandboxWish,
  type ServiceKey,
  showTarget,
  type Target,
  vipKey,
} from './rules.ts';

/** What a plan asks of a node's namespaces, and what of it these rules cannot say. */
export type Wish = {
  /** Absent, as is the host's, where the plan has no ingress sandbox to lead ports to: both then keep what they have. */
  readonly ingress?: SandboxWish<'ingress'>;
  readonly host?: HostRules;
  /** By the name of the sandbox. */
  readonly networks: ReadonlyMap<string, SandboxWish<'network'>>;
  readonly notes: readonly Note[];
};

/**
 * A plan as wanted rules. A range of ports becomes one entry per port number. SCTP and IPv6 are left out, each with a
 * note.
 */
export function wishFromPlan({ ingress, networks }: Pick<Plan, 'ingress' | 'networks'>): Wish {
  const notes: Note[] = [];
  return {
    ...(ingress ? wishForPorts(ingress, notes) : {}),
    networks: new Map(networks.map((network) => [network.sandbox, wishForVips(network, notes)])),
    notes,
  };
}

function wishForPorts({ gateway, ports }: NonNullable<Plan['ingress']>, notes: Note[]): Pick<Wish, 'host' | 'ingress'> {
  const host = new Map<PortKey, Address>();
  const services = new Map<ServiceKey, readonly Target[]>();
  if (gateway.family !== 'ip')
    notes.push({ kind: 'refused', about: 'ingress_sbox', why: `leads over ${gateway.text}; only IPv4 is served` });
  for (const { port, backends } of gateway.family === 'ip' ? ports : []) {
    const about = showPort(port);
    if (port.protocol === 'sctp') {
      notes.push({ kind: 'refused', about, why: 'SCTP has no rules; publish it in host mode' });
      continue;
    }
    const served = onlyIpv4(backends, about, notes);
    for (let offset = 0; offset <= port.last - port.first; offset += 1) {
      const key = portKey(port.protocol, port.first + offset);
      host.set(key, gateway);
      services.set(key, distinct(served.map(({ address }) => ({ address, port: port.target + offset }))));
    }
  }
  return { host: { kind: 'host', ports: host }, ingress: { kind: 'ingress', services } };
}

function wishForVips({ vips }: Plan['networks'][number], notes: Note[]): SandboxWish<'network'> {
  const services = new Map<ServiceKey, readonly Target[]>();
  for (const { vip, backends } of vips) {
    const about = `VIP ${vip.text}`;
    if (vip.family !== 'ip') notes.push({ kind: 'refused', about, why: 'only IPv4 is served' });
    else services.set(vipKey(vip), distinct(onlyIpv4(backends, about, notes).map(({ address }) => ({ address }))));
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

function distinct(targets: readonly Target[]): readonly Target[] {
  return [...new Map(targets.map((target) => [showTarget(target), target])).values()];
}
