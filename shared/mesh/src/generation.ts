/**
 * How far a mesh has come: the bucket's epoch, an id kept in it since it was created, and the revision in it.
 * Revisions are comparable within one epoch only; a bucket made anew starts them again.
 */
export type Generation = { readonly epoch: string; readonly revision: number };

/** Whether `held` already contains what `offered` brings. Generations of two epochs contain nothing of each other. */
export function isStale(offered: Generation, held: Generation): boolean {
  return offered.epoch === held.epoch && offered.revision <= held.revision;
}
