import { macOf, type Way } from '../kernel/overlay.ts';

/** Where the other nodes are, on the network that carries the overlays. */
export type Places = ReadonlyMap<string, string>;

/** One overlay network: who has which address, and which ways this node has; undefined without a part in it. */
export type Overlay = {
  readonly nodes: ReadonlyMap<string, string>;
  readonly ways: ReadonlyMap<string, Way> | undefined;
};

/**
 * Where each node is, by what most of the ways to its tasks say, on all networks together: the clearest first, since no two
 * are at one place. A node is left out where that leaves it none, or several that as many ways lead to, or one that as many of
 * another's lead to: nothing says then who is wrong.
 */
export function placesOf(overlays: readonly Overlay[]): Places {
  const places = new Map<string, string>();
  const settled = new Set<string>();
  const votes = votesIn(overlays);
  const most = new Map(
    [...Map.groupBy(votes, ({ node }) => node)].map(([node, its]) => [
      node,
      Math.max(...its.map(({ count }) => count)),
    ]),
  );
  // What a node's own ways outvote is no place of it, whoever has the other.
  const levels = Map.groupBy(
    votes.filter(({ node, count }) => count === most.get(node)),
    ({ count }) => count,
  );
  for (const level of [...levels.keys()].sort((a, b) => b - a)) {
    const open = (levels.get(level) ?? []).filter(
      ({ node, at }) => !settled.has(`node ${node}`) && !settled.has(`at ${at}`),
    );
    const [ofNode, ofPlace] = [Map.groupBy(open, ({ node }) => node), Map.groupBy(open, ({ at }) => at)];
    for (const { node, at } of open) {
      if (ofNode.get(node)?.length === 1 && ofPlace.get(at)?.length === 1) places.set(node, at);
      settled.add(`node ${node}`).add(`at ${at}`);
    }
  }
  return places;
}

type Vote = { readonly node: string; readonly at: string; readonly count: number };

/** How many ways to a node's tasks lead to a place. */
function votesIn(overlays: readonly Overlay[]): readonly Vote[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { nodes, ways } of overlays) {
    for (const [address, { node: at }] of ways ?? []) {
      const node = nodes.get(address);
      if (node === undefined) continue;
      const ofNode = counts.get(node) ?? new Map<string, number>();
      counts.set(node, ofNode.set(at, (ofNode.get(at) ?? 0) + 1));
    }
  }
  return [...counts].flatMap(([node, ofNode]) => [...ofNode].map(([at, count]) => ({ node, at, count })));
}

/**
 * The places whose Docker does not make MAC addresses as libnetwork does on Linux (`macOf`), by most of the ways there: on
 * Windows the host's network service makes them.
 */
export function strangePlaces(ways: ReadonlyMap<string, Way> | undefined): ReadonlySet<string> {
  const balance = new Map<string, number>();
  for (const [address, { node, mac }] of ways ?? [])
    balance.set(node, (balance.get(node) ?? 0) + (mac === macOf(address) ? 1 : -1));
  return new Set([...balance].flatMap(([node, sum]) => (sum < 0 ? [node] : [])));
}
