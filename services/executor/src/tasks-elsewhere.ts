import { addressOn, hasEnded, type Mesh, stateHere, type WatchedFacts } from '@fairway/mesh';

/** By network, and by address. */
type ByNetwork = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * The tasks of other nodes on each of these networks: those that may be sent to here, and those on their way to that; which
 * node has which of their addresses; and the same of all that have not ended, whatever their node is.
 */
export function tasksElsewhere(
  mesh: Mesh,
  own: WatchedFacts,
  networks: readonly string[],
): {
  readonly serving: ByNetwork;
  readonly coming: ByNetwork;
  readonly nodes: ByNetwork;
  readonly living: ByNetwork;
} {
  const empty = () => new Map(networks.map((network) => [network, new Map<string, string>()]));
  const serving = empty();
  const coming = empty();
  const nodes = empty();
  const living = empty();
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (endpoint.node === own.node) continue;
      if (!hasEnded(endpoint) && endpoint.container !== 'dead')
        for (const [network, addresses] of living) {
          const address = addressOn(endpoint, network);
          if (address) addresses.set(address.text, endpoint.node);
        }
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
  return { serving, coming, nodes, living };
}
