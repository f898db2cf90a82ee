import type { Address, Scheduler } from '@fairway/mesh';
import { type Carrier, isPortKey, readPortKey, type ServiceKey, showTarget, type Target } from './rules.ts';

/**
 * A virtual service of IPVS, by what a connection is told apart there: a port of the sandbox's address,
 * `tcp . 172.18.0.2 . 8000`, or a virtual IP on any port, `ip . 10.0.1.5`. IPVS takes any port only of connections that
 * carry a mark (ipvsadm(8), `--fwmark-service`); the virtual IP's own number is that mark, so that nobody has to
 * remember which is whose, and Docker's, which are counted from 256, are never met.
 */
export type VirtualKey = `${'tcp' | 'udp'} . ${string} . ${number}` | `ip . ${string}`;

/** A task as IPVS has it: with weight 0 it keeps its connections and gets no new ones. */
export type Destination = { readonly target: Target; readonly weight: number };

/** That of a task that is found as Fairway sets none, forwarded to in another way or with limits: so it is set anew. */
export const weightOfAnother = -1;

/**
 * How many connections a destination has: open ones, and those that are being opened or closed or have no such states,
 * as all of UDP's (ipvsadm's ActiveConn and InActConn).
 */
export type Connections = { readonly open: number; readonly other: number };

export type VirtualServer = {
  readonly scheduler: Scheduler;
  /** By `showTarget`. */
  readonly destinations: ReadonlyMap<string, Destination>;
};

/** A destination of a virtual server: `tcp . 172.18.0.2 . 8000 > 10.0.0.5:80`. */
export type DestinationKey = `${VirtualKey} > ${string}`;

export function virtualKey(service: ServiceKey, gateway: Address | undefined): VirtualKey {
  if (!isPortKey(service)) return service;
  const { carrier, port } = readPortKey(service);
  return `${carrier} . ${gateway?.text ?? ''} . ${port}`;
}

export function readVirtualKey(
  key: VirtualKey,
): { readonly vip: string } | { readonly carrier: Carrier; readonly address: string; readonly port: number } {
  const [carrier, address = '', port] = key.split(' . ');
  if (carrier === 'ip') return { vip: address };
  return { carrier: carrier as Carrier, address, port: Number(port) };
}

/** The service that is balanced by it. */
export function serviceOf(key: VirtualKey): ServiceKey {
  const read = readVirtualKey(key);
  return 'vip' in read ? `ip . ${read.vip}` : `${read.carrier} . ${read.port}`;
}

export function destinationKey(key: VirtualKey, target: Target): DestinationKey {
  return `${key} > ${showTarget(target)}`;
}

/** The virtual server that a destination is of. */
export function virtualOf(key: DestinationKey): VirtualKey {
  return key.slice(0, key.indexOf(' > ')) as VirtualKey;
}

/** An IPv4 address as a number, the mark of its virtual service: 0x0a000105 for 10.0.1.5. */
export function markOf(vip: Address): number {
  return vip.text.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
}

/** The virtual IP whose mark this is; undefined for those of others, which are small numbers. */
export function vipOfMark(mark: number): Address | undefined {
  if (mark < 2 ** 24) return undefined;
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(mark / 2 ** shift) % 256);
  return { family: 'ip', text: bytes.join('.') };
}
