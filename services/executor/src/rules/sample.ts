import { type Address, parseAddress } from '@fairway/mesh';
import type { HostRules, IngressWish, PortKey, Target } from './rules.ts';

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

/** For tests: a wish, written as an object. */
export function ingressOf(ports: { readonly [port: PortKey]: readonly Target[] }): IngressWish {
  return { kind: 'ingress', ports: new Map(Object.entries(ports)) as ReadonlyMap<PortKey, readonly Target[]> };
}

/** For tests: published ports that lead to 172.18.0.2, or to the gateway given first. */
export function hostOf(...given: readonly (PortKey | { readonly gateway: Address })[]): HostRules {
  const gateway = given.find((one) => typeof one === 'object')?.gateway ?? ipv4('172.18.0.2');
  const ports = given.filter((one) => typeof one === 'string');
  return { kind: 'host', ports: new Map(ports.map((port) => [port, gateway])) };
}
