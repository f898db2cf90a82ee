import { type Address, defaultPolicy, parseAddress } from '@fairway/mesh';
import {
  type HostRules,
  type IngressWish,
  type NetworkWish,
  type PortKey,
  type ServiceWish,
  type Target,
  vipKey,
} from './rules.ts';

/** For tests: an address that must be one. */
export function ipv4(text: string): Address {
  const address = parseAddress(text);
  if (address?.family !== 'ip') throw new Error(`not an IPv4 address: ${text}`);
  return address;
}

/** For tests: task 10.0.0.N, listening on port 80. */
export function target(last: number): Target {
  return { address: ipv4(`10.0.0.${last}`), port: 80 };
}

/** For tests: several of them. */
export function targets(...lasts: readonly number[]): Target[] {
  return lasts.map(target);
}

/** For tests: what is wanted for one service, its targets alone unless told more. */
export function wished(targets: readonly Target[], more: Partial<ServiceWish> = {}): ServiceWish {
  return { targets, draining: [], policy: defaultPolicy, ...more };
}

/** For tests: what is wanted for one service whose datagrams go each by itself. */
export function eachByItself(targets: readonly Target[]): ServiceWish {
  return wished(targets, { policy: { ...defaultPolicy, onePacket: true } });
}

/** For tests: a wish, written as an object. */
export function ingressOf(ports: { readonly [port: PortKey]: readonly Target[] | ServiceWish }): IngressWish {
  const services = Object.entries(ports).map(
    ([port, given]) => [port as PortKey, 'targets' in given ? given : wished(given)] as const,
  );
  return { kind: 'ingress', gateway: ipv4('172.18.0.2'), services: new Map(services) };
}

/** For tests: virtual IPs 10.0.1.N, each with its tasks at 10.0.1.M. */
export function networkOf(vips: { readonly [last: number]: readonly number[] }, wish = wished): NetworkWish {
  const at = (last: number | string) => ipv4(`10.0.1.${last}`);
  const services = Object.entries(vips).map(
    ([vip, tasks]) => [vipKey(at(vip)), wish(tasks.map((last) => ({ address: at(last) })))] as const,
  );
  return { kind: 'network', services: new Map(services) };
}

/** For tests: published ports that lead to 172.18.0.2, or to the gateway given first. */
export function hostOf(...given: readonly (PortKey | { readonly gateway: Address })[]): HostRules {
  const gateway = given.find((one) => typeof one === 'object')?.gateway ?? ipv4('172.18.0.2');
  const ports = given.filter((one) => typeof one === 'string');
  return { kind: 'host', ports: new Map(ports.map((port) => [port, gateway])) };
}
