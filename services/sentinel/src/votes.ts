import { hash32, type Vote } from '@fairway/mesh';

/** So many peers are asked about a node. */
const peersMax = 3;
/** So many of them have to agree; all where there are fewer. */
const quorum = 2;

/** The peers to ask about a node: the same ones for every sentinel that hears the same, and others for another node. */
export function peersOf(node: string, heard: readonly string[]): readonly string[] {
  const weight = (peer: string) => hash32(`${node} ${peer}`);
  return heard
    .filter((peer) => peer !== node)
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, peersMax);
}

/** What the votes so far, of so many peers that were asked, come to; undefined where it depends on those still to come. */
export function count(votes: readonly Vote[], asked: number): 'confirmed' | 'refuted' | 'unknown' | undefined {
  const silent = votes.filter(({ sight }) => sight === 'silent').length;
  const reached = votes.filter(({ sight }) => sight === 'reached').length;
  const needed = Math.min(quorum, asked);
  if (needed > 0 && silent >= needed) return 'confirmed';
  if (reached > asked - needed) return 'refuted';
  if (votes.length < asked) return undefined;
  return reached > 0 ? 'refuted' : 'unknown';
}
