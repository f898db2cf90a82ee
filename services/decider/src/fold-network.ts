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
  if (held && (held.removedMs !== undefined || fact.network.index <= held.index)) return held;
  return fact.network;
}
