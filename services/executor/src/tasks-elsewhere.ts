import { addressOn, type EndpointState, type Mesh, stateHere, type WatchedFacts } from '@fairway/mesh';
import type { Tasks } from './network-reach.ts';

/** The tasks of other nodes on each of these networks that are in one of these states here. */
export function tasksElsewhere(
  mesh: Mesh,
  own: WatchedFacts,
  networks: readonly string[],
  states: readonly EndpointState[],
): ReadonlyMap<string, Tasks> {
  const found = new Map(networks.map((network) => [network, new Map<string, string>()]));
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (endpoint.node === own.node || !states.includes(stateHere(endpoint, mesh, own))) continue;
      for (const [network, addresses] of found) {
        const address = addressOn(endpoint, network);
        if (address) addresses.set(address.text, endpoint.task);
      }
    }
  }
  return found;
}
