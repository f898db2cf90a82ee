/**
 * Keys of the mesh bucket. One entry per service and one per node, never one per service and node: a change to a
 * service is one write, whatever the number of nodes. Those of reach are owned (written) by sentinels, all others by deciders.
 */
export const keys = {
  /** The bucket's epoch, written once by whoever created the bucket. */
  epoch: 'epoch',
  /** Written once per epoch, when the first complete manager listing is folded in. */
  complete: 'complete',
  /** A service's spec and its first shard of endpoints. */
  service: (id: string) => `service.${id}`,
  /**
   * A further shard. `of` is part of the key, so that all shards of a new division are written before the one write of
   * the service's own entry switches to it; those of the old division are deleted after it.
   */
  shard: (id: string, of: number, n: number) => `shard.${id}.${of}.${n}`,
  node: (id: string) => `node.${id}`,
  network: (id: string) => `network.${id}`,
  /** Whether a node can be reached; owned by sentinels. */
  reach: (node: string) => `reach.${node}`,
} as const;

/** What a key names. */
export type ParsedKey =
  | { readonly kind: 'epoch' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'service' | 'node' | 'network' | 'reach'; readonly id: string }
  | { readonly kind: 'shard'; readonly id: string; readonly of: number; readonly n: number };

/** Reads a key of the mesh bucket; undefined for one that this version does not know. */
export function parseKey(key: string): ParsedKey | undefined {
  const [kind, id, of, n, ...rest] = key.split('.');
  if (rest.length > 0) return undefined;
  if ((kind === 'epoch' || kind === 'complete') && id === undefined) return { kind };
  if (!id) return undefined;
  if ((kind === 'service' || kind === 'node' || kind === 'network' || kind === 'reach') && of === undefined)
    return { kind, id };
  if (kind === 'shard' && /^\d+$/.test(of ?? '') && /^\d+$/.test(n ?? ''))
    return { kind, id, of: Number(of), n: Number(n) };
  return undefined;
}
