import type { Address, Policy } from '@fairway/mesh';
import type { VirtualKey, VirtualServer } from './virtual-server.ts';

/** The transports that the rules serve. `PublishedPort` knows sctp too, which `wishFromPlan` turns into a note. */
export const carriers = ['tcp', 'udp'] as const;
export type Carrier = (typeof carriers)[number];

/** A published port as nft writes it in a concatenated key: `tcp . 8000`. */
export type PortKey = `${Carrier} . ${number}`;

/** A virtual IP, whatever the port: `ip . 10.0.1.5`. */
export type VipKey = `ip . ${string}`;

/** What a new connection is balanced by. */
export type ServiceKey = PortKey | VipKey;

/** By what a connection is told apart, and with it the map that its slots are in: its port, or the address it is for. */
export type Match = Carrier | 'ip';

/** A slot of a published port or a virtual IP, numbered from 0: `tcp . 8000 . 2`, `ip . 10.0.1.5 . 0`. */
export type SlotKey = `${ServiceKey} . ${number}`;

/**
 * A connection tracking zone of a service whose datagrams go each by itself, numbered from 1: `udp . 53 . 1`. What comes
 * without a zone is in 0, the kernel's own.
 */
export type ZoneKey = `${ServiceKey} . ${number}`;

/** Where a new connection goes: a task's address, and the port that it listens on or, without one, the port asked for. */
export type Target = { readonly address: Address; readonly port?: number };

/**
 * A chain that spreads new connections over so many endpoints, `spread-tcp-3`, or datagrams over so many zones,
 * `spread-zone-3`. One serves all services of that size.
 */
export type Spread = `${Match | 'zone'}-${number}`;

/** The host's namespace: published ports and the sandbox's address on docker_gwbridge that they lead to. */
export type HostRules = { readonly kind: 'host'; readonly ports: ReadonlyMap<PortKey, Address> };

/** Who balances in a sandbox: nftables by itself, or IPVS with a table that leads to it. */
export const balancers = ['nftables', 'ipvs'] as const;
export type Balancer = (typeof balancers)[number];

/**
 * What balances in a sandbox: per service the number of its endpoints (0 is refused), and each endpoint by its slot.
 * A service with n endpoints has exactly the slots 0 to n - 1, and the chain `spread` of that size.
 */
type Slots = {
  readonly services: ReadonlyMap<ServiceKey, number>;
  readonly slots: ReadonlyMap<SlotKey, Target>;
  readonly spreads: ReadonlySet<Spread>;
};

/**
 * What leads each UDP datagram to a task by itself, whatever socket it is from, whoever balances the connections beside
 * it: per service the number of its zones, and the endpoint of each. A service with n zones has exactly those from 1 to
 * n, and the chain `spread-zone-n`. All its datagrams are drawn a zone, in which the kernel tracks them apart from those
 * of the others, and by which they are translated; answers need none.
 */
export type OnePacket = {
  readonly services: ReadonlyMap<ServiceKey, number>;
  readonly zones: ReadonlyMap<ZoneKey, Target>;
  readonly spreads: ReadonlySet<Spread>;
};

/** Absent where no service asks for it. */
type WithOnePacket = { readonly onePacket?: OnePacket };

/** The ingress sandbox: its services are published ports. */
export type IngressRules = Slots & WithOnePacket & { readonly kind: 'ingress' };

/** An overlay network's services are virtual IPs, for which its sandbox has to answer as for its own addresses. */
type WithVips = { readonly vips: ReadonlySet<VipKey> };

/** The sandbox of an overlay network. */
export type NetworkRules = Slots & WithOnePacket & WithVips & { readonly kind: 'network' };

/** Whether a service's new connections are left to IPVS, or refused for want of a task. */
export type Verdict = 'balance' | 'refuse';

/** What balances where IPVS does: which of its services a new connection is led to, and those. */
type Virtual = {
  readonly verdicts: ReadonlyMap<ServiceKey, Verdict>;
  readonly virtual: ReadonlyMap<VirtualKey, VirtualServer>;
};
export type IpvsIngressRules = Virtual & WithOnePacket & { readonly kind: 'ipvs-ingress' };
export type IpvsNetworkRules = Virtual & WithOnePacket & WithVips & { readonly kind: 'ipvs-network' };

export type NftSandboxRules = IngressRules | NetworkRules;
export type IpvsSandboxRules = IpvsIngressRules | IpvsNetworkRules;
export type SandboxRules = NftSandboxRules | IpvsSandboxRules;
export type Rules = HostRules | SandboxRules;

/** What is wanted for one service. */
export type ServiceWish = {
  /** What takes new connections; without any they are refused. */
  readonly targets: readonly Target[];
  /** What only keeps the connections that it has. */
  readonly draining: readonly Target[];
  readonly policy: Policy;
};

/** What is wanted in a sandbox, whoever balances there. */
export type IngressWish = {
  readonly kind: 'ingress';
  /** The sandbox's own address, to which the host leads published ports. */
  readonly gateway: Address;
  readonly services: ReadonlyMap<ServiceKey, ServiceWish>;
};
export type NetworkWish = { readonly kind: 'network'; readonly services: ReadonlyMap<ServiceKey, ServiceWish> };
export type SandboxWish = IngressWish | NetworkWish;

/** What is wanted of one namespace; on the host nothing is left to decide. */
export type WishFor<R extends Rules> = R extends HostRules
  ? HostRules
  : R extends IngressRules | IpvsIngressRules
    ? IngressWish
    : NetworkWish;

/** A table read back. */
export type Found<R extends Rules> = {
  readonly rules: R;
  /** The layout that the table says it has; undefined where it says none that can be read. */
  readonly layout: number | undefined;
  /**
   * What in the table is not as this layout writes it, one sentence each: rules changed by hand, chains missing or
   * unknown, elements that cannot be read. Such a table is built anew, in one transaction.
   */
  readonly foreign: readonly string[];
  /** There is no table; what is told is left in IPVS. */
  readonly missing?: true;
};

export function portKey(carrier: Carrier, port: number): PortKey {
  return `${carrier} . ${port}`;
}

export function vipKey(vip: Address): VipKey {
  return `ip . ${vip.text}`;
}

export function slotKey(service: ServiceKey, slot: number): SlotKey {
  return `${service} . ${slot}`;
}

export function readPortKey(key: PortKey): { readonly carrier: Carrier; readonly port: number } {
  const [carrier, port] = key.split(' . ');
  return { carrier: carrier as Carrier, port: Number(port) };
}

export function readVipKey(key: VipKey): Address {
  return { family: 'ip', text: key.slice('ip . '.length) };
}

export function readSlotKey(key: SlotKey): { readonly service: ServiceKey; readonly slot: number } {
  const at = key.lastIndexOf(' . ');
  return { service: key.slice(0, at) as ServiceKey, slot: Number(key.slice(at + 3)) };
}

export function matchOf(key: ServiceKey | SlotKey): Match {
  return key.slice(0, key.indexOf(' ')) as Match;
}

export function isPortKey(key: ServiceKey): key is PortKey {
  return matchOf(key) !== 'ip';
}

export function zoneKey(service: ServiceKey, zone: number): ZoneKey {
  return `${service} . ${zone}`;
}

export function readZoneKey(key: ZoneKey): { readonly service: ServiceKey; readonly zone: number } {
  const { service, slot } = readSlotKey(key);
  return { service, zone: slot };
}

/** Whether datagrams are told from connections in it: a published UDP port, and any virtual IP. */
export function takesDatagrams(key: ServiceKey): boolean {
  return matchOf(key) !== 'tcp';
}

/** The chain that a service of so many endpoints needs. */
export function spreadOf(service: ServiceKey, endpoints: number): Spread {
  return `${matchOf(service)}-${endpoints}`;
}

/** `10.0.0.5:80`, or `10.0.0.5` for any port, which tells two targets apart. */
export function showTarget({ address, port }: Target): string {
  if (port === undefined) return address.text;
  return address.family === 'ip6' ? `[${address.text}]:${port}` : `${address.text}:${port}`;
}
