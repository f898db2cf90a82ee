import { addressOn, type Endpoint, hasEnded, type Mesh, stateHere, type WatchedFacts } from '@fairway/mesh';

/** By network, and by address. */
type ByNetwork = ReadonlyMap<string, ReadonlyMap<string, string>>;
type Claims = ReadonlyMap<string, ReadonlyMap<string, Endpoint>>;

/**
 * The tasks of other nodes on each of these networks: those that may be sent to here, and those on their way to that; which
 * node has which of their addresses; and who has which of all addresses, this node's own among them, whatever its node is.
 */
export function tasksElsewhere(
  mesh: Mesh,
  own: WatchedFacts,
  networks: readonly string[],
): {
  readonly serving: ByNetwork;
  readonly coming: ByNetwork;
  readonly nodes: ByNetwork;
  readonly living: Claims;
} {
  const empty = () => new Map(networks.map((network) => [network, new Map<string, string>()]));
  const serving = empty();
  const coming = empty();
  const nodes = empty();
  const living = new Map(networks.map((network) => [network, new Map<string, Endpoint>()]));
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (!hasEnded(endpoint) && endpoint.container !== 'dead')
        for (const { network, address } of endpoint.addresses) claim(living.get(network), address.text, endpoint);
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
  return { serving, coming, nodes, living };
}

/** An address belongs to the task with the highest index, as in a plan. */
function claim(held: Map<string, Endpoint> | undefined, address: string, endpoint: Endpoint): void {
  if ((held?.get(address)?.index ?? -1) < endpoint.index) held?.set(address, endpoint);
}
