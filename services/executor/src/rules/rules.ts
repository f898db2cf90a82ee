import type { Address } from '@fairway/mesh';

/** The transports that the rules serve. `PublishedPort` knows sctp too, which `wishFromPlan` turns into a note. */
export const carriers = ['tcp', 'udp'] as const;
export type Carrier = (typeof carriers)[number];

/** A published port as nft writes it in a concatenated key: `tcp . 8000`. */
export type PortKey = `${Carrier} . ${number}`;

/** A slot of a published port, numbered from 0: `tcp . 8000 . 2`. */
export type SlotKey = `${Carrier} . ${number} . ${number}`;

/** Where a new connection goes: a task's address on the ingress network and the port that it listens on. */
export type Target = { readonly address: Address; readonly port: number };

/** A chain that spreads new connections over so many endpoints, `spread-tcp-3`. One serves all ports of that size. */
export type Spread = `${Carrier}-${number}`;

/** The host's namespace: published ports and the sandbox's address on docker_gwbridge that they lead to. */
export type HostRules = { readonly kind: 'host'; readonly ports: ReadonlyMap<PortKey, Address> };

/**
 * The ingress sandbox: per published port the number of its endpoints (0 is refused), and each endpoint by its slot.
 * A port with n endpoints has exactly the slots 0 to n - 1, and the chain `spread` of that size.
 */
export type IngressRules = {
  readonly kind: 'ingress';
  readonly services: ReadonlyMap<PortKey, number>;
  readonly slots: ReadonlyMap<SlotKey, Target>;
  readonly spreads: ReadonlySet<Spread>;
};

export type Rules = HostRules | IngressRules;

/** What is wanted in the ingress sandbox. Which endpoint gets which slot is left to what the kernel already has. */
export type IngressWish = { readonly kind: 'ingress'; readonly ports: ReadonlyMap<PortKey, readonly Target[]> };

/** What is wanted of one namespace; on the host nothing is left to decide. */
export type WishFor<R extends Rules> = R extends HostRules ? HostRules : IngressWish;

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
};

export function portKey(carrier: Carrier, port: number): PortKey {
  return `${carrier} . ${port}`;
}

export function slotKey(port: PortKey, slot: number): SlotKey {
  return `${port} . ${slot}` as SlotKey;
}

export function readPortKey(key: PortKey): { readonly carrier: Carrier; readonly port: number } {
  const [carrier, port] = key.split(' . ');
  return { carrier: carrier as Carrier, port: Number(port) };
}

export function readSlotKey(key: SlotKey): { readonly port: PortKey; readonly slot: number } {
  const at = key.lastIndexOf(' . ');
  return { port: key.slice(0, at) as PortKey, slot: Number(key.slice(at + 3)) };
}

/** The chain that a port of so many endpoints needs. */
export function spreadOf(port: PortKey, endpoints: number): Spread {
  return `${readPortKey(port).carrier}-${endpoints}`;
}

/** `10.0.0.5:80`, which tells two targets apart. */
export function showTarget(target: Target): string {
  return target.address.family === 'ip6'
    ? `[${target.address.text}]:${target.port}`
    : `${target.address.text}:${target.port}`;
}
