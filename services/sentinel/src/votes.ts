import { hash32, type Vote } from '@fairway/mesh';

/** So many peers are asked about a node. */
const peersMax = 3;
/** So many of them have to agree. */
const quorum = 2;

/**
 * The peers to ask about a node: the same ones for every sentinel that hears the same, and others for another node. Those that
 * were heard a moment ago come first; one that has only just fallen silent is asked where there are no others, so that
 * fewer are never enough because of that.
 */
export function peersOf(node: string, awake: readonly string[], others: readonly string[] = []): readonly string[] {
  const weight = (peer: string) => hash32(`${node} ${peer}`);
  const ordered = (peers: readonly string[]) =>
    peers.filter((peer) => peer !== node).sort((a, b) => weight(a) - weight(b));
  return [...ordered(awake), ...ordered(others)].slice(0, peersMax);
}

/** How many have to agree: of all nodes that are there to see, heard or not. A lone one is enough where it is the only one. */
export function quorumOf(observers: number): number {
  return Math.min(quorum, observers);
}

/** What the votes so far, of so many peers that were asked, come to; undefined where it depends on those still to come. */
export function count(
  votes: readonly Vote[],
  asked: number,
  needed: number,
): 'confirmed' | 'refuted' | 'unknown' | undefined {
  const silent = votes.filter(({ sight }) => sight === 'silent').length;
  const reached = votes.filter(({ sight }) => sight === 'reached').length;
  if (needed > 0 && silent >= needed) return 'confirmed';
  if (reached > Math.max(0, asked - needed)) return 'refuted';
  if (votes.length < asked) return undefined;
  return reached > 0 ? 'refuted' : 'unknown';
}
