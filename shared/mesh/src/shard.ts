/** A service with more endpoints than this is kept in several entries: NATS refuses messages above 1 MiB. */
export const shardEndpointsMax = 500;

/** And in at most so many: each is read for each change. Beyond that shards grow, and facts are refused in the end. */
export const shardsMax = 1024;

/** FNV-1a, 32 bits (RFC 9923): spreads ids evenly, the same everywhere and for ever. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}

/** In which of `of` shards (a power of two) an endpoint of this task is kept. */
export function shardOf(taskId: string, of: number): number {
  return hash32(taskId) & (of - 1);
}

/**
 * How many shards a service with this many endpoints wants: a power of two. It grows when the shards would be over
 * full, and shrinks only at a quarter of that, so that a service at the limit is not rewritten with every task.
 */
export function shardsWanted(endpoints: number, current: number): number {
  let of = current;
  while (endpoints > of * shardEndpointsMax && of < shardsMax) of *= 2;
  while (of > 1 && endpoints * 4 <= of * shardEndpointsMax) of /= 2;
  return of;
}
