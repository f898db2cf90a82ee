import { addressOn, type Endpoint, hasEnded, type Mesh, stateHere, type WatchedFacts } from '@fairway/mesh';

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

/**
 * The node of each address of a task that has not ended, by network: this node's own are among them, and those of nodes that
 * are away. One that several claim is that of the task with the highest index, as in a plan.
 */
export function nodesByAddress(mesh: Mesh): ByNetwork {
  const claims = new Map<string, Map<string, Endpoint>>();
  for (const { endpoints, removedMs } of mesh.services.values()) {
    if (removedMs !== undefined) continue;
    for (const endpoint of endpoints) {
      if (hasEnded(endpoint) || endpoint.container === 'dead') continue;
      for (const { network, address } of endpoint.addresses) {
        const held = claims.get(network) ?? new Map<string, Endpoint>();
        claims.set(network, held);
        if ((held.get(address.text)?.index ?? -1) < endpoint.index) held.set(address.text, endpoint);
      }
    }
  }
  const nodesOf = (held: ReadonlyMap<string, Endpoint>) => new Map([...held].map(([text, { node }]) => [text, node]));
  return new Map([...claims].map(([network, held]) => [network, nodesOf(held)]));
}
