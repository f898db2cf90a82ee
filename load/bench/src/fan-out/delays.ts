/**
 * When each of the revisions from `first` to `last` was known to a watcher: when it heard that one or, where it was
 * overtaken by another of its key, the next one that it did hear. `heardMs` is by revision, 0 where nothing was heard;
 * infinite where nothing has been heard since.
 */
export function firstKnownMs(heardMs: Float64Array, first: number, last: number): Float64Array {
  const known = new Float64Array(last - first + 1);
  let nextMs = Number.POSITIVE_INFINITY;
  for (let revision = heardMs.length - 1; revision >= first; revision -= 1) {
    const atMs = heardMs[revision] ?? 0;
    if (atMs > 0) nextMs = Math.min(nextMs, atMs);
    if (revision <= last) known[revision - first] = nextMs;
  }
  return known;
}

/** Changes and when each was known: from its writing on, to each watcher, and to the slowest one. Milliseconds. */
export type Delays = { readonly each: readonly number[]; readonly slowest: readonly number[] };

/** `writtenMs` of changes one after the other, and for each watcher when it knew them. */
export function delaysOf(writtenMs: readonly number[], known: readonly Float64Array[]): Delays {
  const slowest = writtenMs.map((atMs, change) =>
    known.reduce((most, ofWatcher) => Math.max(most, (ofWatcher[change] ?? Number.NaN) - atMs), 0),
  );
  const each = known.flatMap((ofWatcher) => writtenMs.map((atMs, change) => (ofWatcher[change] ?? Number.NaN) - atMs));
  return { each, slowest };
}
