import { macOf, type Way } from '../kernel/overlay.ts';

/** Where the other nodes are, on the network that carries the overlays. */
export type Places = ReadonlyMap<string, string>;

/** One overlay network: who has which address, and which ways this node has; undefined without a part in it. */
export type Overlay = {
  readonly nodes: ReadonlyMap<string, string>;
  readonly ways: ReadonlyMap<string, Way> | undefined;
};

/**
 * Where each node is, by what most of the ways to its tasks say, on all networks together. A node is left out where its
 * ways disagree evenly, and where another has as many at its place: nothing says then who is wrong.
 */
export function placesOf(overlays: readonly Overlay[]): Places {
  const votes = new Map<string, Map<string, number>>();
  for (const { nodes, ways } of overlays) {
    for (const [address, { node: at }] of ways ?? []) {
      const node = nodes.get(address);
      if (node === undefined) continue;
      const ofNode = votes.get(node) ?? new Map<string, number>();
      votes.set(node, ofNode.set(at, (ofNode.get(at) ?? 0) + 1));
    }
  }
  const places = new Map<string, string>();
  for (const [node, ofNode] of votes) {
    const [[at, count] = ['', 0], [, next] = ['', 0]] = [...ofNode].sort((a, b) => b[1] - a[1]);
    const isClaimed = [...votes].some(([other, ofOther]) => other !== node && (ofOther.get(at) ?? 0) >= count);
    if (count > next && !isClaimed) places.set(node, at);
  }
  return places;
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
