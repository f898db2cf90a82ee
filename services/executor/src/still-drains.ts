import { addressOn, type Mesh, type OwnFacts, type Plan, stateHere } from '@fairway/mesh';
import type { Keeps } from './held-rules.ts';
import type { Namespace, Sandbox } from './kernel/kernel.ts';

/**
 * A draining task finishes what it has: its TCP connections stay tracked though it gets no new ones. Likewise one that is not
 * reached for a while, but for those that are being opened to it: they find another one. UDP has no connections to
 * finish, only entries that would lead to it for ever.
 */
export function stillDrains(mesh: Mesh, own: OwnFacts, { ingress, networks }: Plan): Keeps {
  const networkOf = new Map<Namespace, string>(
    networks.map(({ sandbox, network }) => [sandbox as Sandbox, network] as const),
  );
  if (ingress) networkOf.set('ingress', ingress.network);
  const alive = new Map<string, ReadonlyMap<string, 'all' | 'answered'>>();
  return (namespace, { carrier, ...stale }) => {
    const network = networkOf.get(namespace);
    if (carrier !== 'tcp' || stale.kind !== 'backend' || !network) return 'none';
    const addresses = alive.get(network) ?? livingAddresses(mesh, own, network);
    alive.set(network, addresses);
    return addresses.get(stale.target.address.text) ?? 'none';
  };
}

/** The addresses on a network at which a container lives, whether or not it gets new connections; and if it is reached. */
function livingAddresses(mesh: Mesh, own: OwnFacts, network: string): ReadonlyMap<string, 'all' | 'answered'> {
  const reach = own.reach?.get(network);
  const endpoints = [...mesh.services.values()].flatMap(({ endpoints }) => endpoints);
  return new Map(
    endpoints.flatMap((endpoint) => {
      const address = addressOn(endpoint, network)?.text;
      if (address === undefined || stateHere(endpoint, mesh, own) === 'gone') return [];
      const isReached = endpoint.node === own.node || reach === undefined || reach.has(address);
      return [[address, isReached ? 'all' : 'answered'] as const];
    }),
  );
}
