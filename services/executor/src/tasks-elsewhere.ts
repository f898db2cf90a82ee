import { addressOn, type Mesh, stateHere, type WatchedFacts } from '@fairway/mesh';
import type { Tasks } from './network-reach.ts';

/** By network. */
type ByNetwork = ReadonlyMap<string, Tasks>;

/** The tasks of other nodes on each of these networks: those that may be sent to here, and those on their way to that. */
export function tasksElsewhere(
  mesh: Mesh,
  own: WatchedFacts,
  networks: readonly string[],
): { readonly serving: ByNetwork; readonly coming: ByNetwork } {
  const empty = () => new Map(networks.map((network) => [network, new Map<string, string>()]));
  const serving = empty();
  const coming = empty();
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (endpoint.node === own.node) continue;
      const state = stateHere(endpoint, mesh, own);
      if (state === 'unhealthy' || state === 'gone') continue;
      const found = state === 'waiting' || state === 'starting' ? coming : serving;
      for (const [network, addresses] of found) {
        const address = addressOn(endpoint, network);
        if (address) addresses.set(address.text, endpoint.task);
      }
    }
  }
  return { serving, coming };
}
