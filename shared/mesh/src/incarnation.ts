/**
 * One life of a node: the kernel's boot id and dockerd's start. Addresses that a node held in one incarnation may
 * belong to other tasks in the next.
 */
export type Incarnation = { readonly boot: string; readonly daemon: string };

/**
 * Orders what one node says. `tick` counts microseconds of the node's CLOCK_MONOTONIC, which starts at boot and goes on
 * over restarts of the watcher, so that all facts of one boot are ordered without a counter to keep.
 */
export type Reading = { readonly incarnation: Incarnation; readonly tick: number };

/** The token that stands for an incarnation in entries and listings. */
export function showIncarnation(incarnation: Incarnation): string {
  return `${incarnation.boot}.${incarnation.daemon}`;
}

/** Whether the two are of the same life of a node. */
export function sameIncarnation(a: Incarnation, b: Incarnation): boolean {
  return a.boot === b.boot && a.daemon === b.daemon;
}

/** The same of lives of which one may not be known: nothing then tells the two apart. */
export function isSameLife(a: Incarnation | undefined, b: Incarnation | undefined): boolean {
  return !a || !b || sameIncarnation(a, b);
}

/**
 * Whether `offered` was read after `held`. Readings of one boot are ordered by their ticks. Two boots have no order of
 * their own: a boot not seen before is taken for the newer one, and the caller refuses boots that were replaced.
 */
export function isNewerReading(offered: Reading, held: Reading): boolean {
  return offered.incarnation.boot === held.incarnation.boot ? offered.tick > held.tick : true;
}
