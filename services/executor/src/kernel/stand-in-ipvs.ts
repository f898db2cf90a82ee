import { showTarget } from '../rules/rules.ts';
import type { IpvsOperation } from '../rules/transaction.ts';
import { type Destination, type VirtualKey, type VirtualServer, virtualOf } from '../rules/virtual-server.ts';

/** IPVS of one namespace in memory. */
export type VirtualServers = Map<VirtualKey, VirtualServer & { readonly destinations: Map<string, Destination> }>;

/** Virtual servers that can be changed while the others stay. */
export function copyServers(servers: VirtualServers): VirtualServers {
  const copy = ([key, server]: [VirtualKey, VirtualServer]) =>
    [key, { ...server, destinations: new Map(server.destinations) }] as const;
  return new Map([...servers].map(copy));
}

const notUnicast = 'Invalid operation.  Possibly wrong module version, address not unicast, ...';

/** Performs one operation, or gives the kernel's word for why not (the texts of ipvsadm 1.31). */
export function performOnIpvs(servers: VirtualServers, { do: verb, element }: IpvsOperation): string | undefined {
  const adds = verb === 'add element';
  if (element.map === 'virtual') {
    const { key, scheduler } = element;
    const held = servers.get(key);
    if (adds && held) return 'Service already exists';
    if (!adds && !held) return 'No such service';
    if (verb === 'delete element') servers.delete(key);
    else servers.set(key, { scheduler, destinations: held?.destinations ?? new Map() });
    return undefined;
  }
  const server = servers.get(virtualOf(element.key));
  if (!server) return 'Service not defined';
  const name = showTarget(element.target);
  if (adds && Number(element.target.address.text.split('.')[0]) >= 224) return notUnicast;
  if (adds && server.destinations.has(name)) return 'Destination already exists';
  if (!adds && !server.destinations.has(name)) return 'No such destination';
  if (verb === 'delete element') server.destinations.delete(name);
  else server.destinations.set(name, { target: element.target, weight: element.weight });
  return undefined;
}
