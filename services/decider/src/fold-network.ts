import type { Network, NetworkFact, NetworkGoneFact } from '@fairway/mesh';

/** The network after a fact; the very same value when the fact brings nothing new. */
export function foldNetwork(
  held: Network | undefined,
  fact: NetworkFact | NetworkGoneFact,
  nowMs: number,
): Network | undefined {
  if (fact.kind === 'network-gone') {
    return held && held.removedMs === undefined ? { ...held, removedMs: nowMs } : held;
  }
  // As a service that was deleted, it is there again only in a swarm that was restored to when it had the network.
  if (held?.removedMs !== undefined) return fact.confirmed ? fact.network : held;
  return held && fact.network.index <= held.index ? held : fact.network;
}
