import { addressOn, type Mesh, stateHere, type WatchedFacts } from '@fairway/mesh';

/** By network, and by address. */
type ByNetwork = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * The tasks of other nodes on each of these networks: those that may be sent to here, and those on their way to that; and
 * which node has which of their addresses.
 */
export function tasksElsewhere(
  mesh: Mesh,
  own: WatchedFacts,
  networks: readonly string[],
): { readonly serving: ByNetwork; readonly coming: ByNetwork; readonly nodes: ByNetwork } {
  const empty = () => new Map(networks.map((network) => [network, new Map<string, string>()]));
  const serving = empty();
  const coming = empty();
  const nodes = empty();
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (endpoint.node === own.node) continue;
      const state = stateHere(endpoint, mesh, own);
      if (state === 'unhealthy' || state === 'gone') continue;
      const found = state === 'waiting' || state === 'starting' ? coming : serving;
      for (const [network, addresses] of found) {
        const address = addressOn(endpoint, network);
        if (!address) continue;
        addresses.set(address.text, endpoint.task);
        nodes.get(network)?.set(address.text, endpoint.node);
      }
    }
  }
  return { serving, coming, nodes };
}
