import type { Address } from './address.ts';
import type { Endpoint } from './endpoint.ts';
import { type Eyes, stateHere } from './endpoint-here.ts';
import type { Mesh } from './mesh.ts';
import { order } from './order.ts';
import type { Note } from './outcome.ts';
import { type PublishedPort, showPort } from './port.ts';
import type { Service } from './service.ts';

/** A published port and the service that it belongs to. */
export type OwnedPort = { readonly service: Service; readonly port: PublishedPort };
/** A virtual IP on one network and the service that it belongs to. */
export type OwnedVip = { readonly service: Service; readonly vip: Address };

/** The services that the mesh has something to do for, the latest `Version.Index` first: it owns what several claim. */
function claimants(mesh: Mesh): Service[] {
  return [...mesh.services.values()]
    .filter(({ spec, removedMs }) => removedMs === undefined && spec.mode === 'vip')
    .sort((a, b) => b.spec.index - a.spec.index || order(a.spec.id, b.spec.id));
}

/** Every published port with its one owner. Who claims one in vain, or of a range a part, gets a note. */
export function ownedPorts(mesh: Mesh, notes: Note[]): OwnedPort[] {
  const owners = new Map<string, Service>();
  const owned: OwnedPort[] = [];
  for (const service of claimants(mesh)) {
    for (const port of service.spec.ports) {
      const owner = ownerAmong(owners, port);
      if (!owner) {
        owned.push({ service, port });
        for (const number of numbersOf(port)) owners.set(number, service);
      } else if (owner !== service) notes.push(refused(service, showPort(port), owner, 'publish another port'));
    }
  }
  return owned;
}

function ownerAmong(owners: ReadonlyMap<string, Service>, port: PublishedPort): Service | undefined {
  for (const number of numbersOf(port)) {
    const owner = owners.get(number);
    if (owner) return owner;
  }
  return undefined;
}

function* numbersOf({ protocol, first, last }: PublishedPort): Iterable<string> {
  for (let number = first; number <= last; number += 1) yield `${protocol} ${number}`;
}

/** By network, every virtual IP with its one owner. Who claims one in vain gets a note. */
export function ownedVips(mesh: Mesh, notes: Note[]): ReadonlyMap<string, readonly OwnedVip[]> {
  const owners = new Map<string, Map<string, OwnedVip>>();
  for (const service of claimants(mesh)) {
    for (const { network, address } of service.spec.vips) {
      const onNetwork = owners.get(network) ?? new Map<string, OwnedVip>();
      owners.set(network, onNetwork);
      const owner = onNetwork.get(address.text)?.service;
      if (!owner) onNetwork.set(address.text, { service, vip: address });
      else if (owner !== service) {
        notes.push(refused(service, `VIP ${address.text}`, owner, 'remove and create the service'));
      }
    }
  }
  return new Map([...owners].map(([network, vips]) => [network, [...vips.values()]]));
}

function refused({ spec }: Service, what: string, owner: Service, cure: string): Note {
  const why = `${what} belongs to ${owner.spec.name}, which was changed later; ${cure}`;
  return { kind: 'refused', about: spec.name, why };
}

/** Of several live tasks that claim an address on a network, the one with the highest `Version.Index` owns it. */
export class AddressOwners {
  readonly #owners = new Map<string, Endpoint>();

  constructor(mesh: Mesh, own: Eyes) {
    for (const service of mesh.services.values()) {
      if (service.removedMs !== undefined) continue;
      for (const endpoint of service.endpoints) {
        if (stateHere(endpoint, mesh, own) === 'gone') continue;
        for (const { network, address } of endpoint.addresses) {
          const key = `${network} ${address.text}`;
          const held = this.#owners.get(key);
          if (!held || endpoint.index > held.index || (endpoint.index === held.index && endpoint.task > held.task)) {
            this.#owners.set(key, endpoint);
          }
        }
      }
    }
  }

  ownerOf(network: string, address: Address): Endpoint | undefined {
    return this.#owners.get(`${network} ${address.text}`);
  }
}
