/**
 * What an entry is to a reader that has had everything up to the revision `seen`. A stream counts its messages without a
 * hole, so that any other number than the next one says that something was missed.
 */
export function placeOf(seen: number, revision: number): 'next' | 'known' | 'gap' {
  if (revision <= seen) return 'known';
  return revision === seen + 1 ? 'next' : 'gap';
}

/** Of what came live while the reader caught up: what follows on what it has now, and whether something is missing. */
export function succeed<Entry extends { readonly revision: number }>(
  seen: number,
  held: readonly Entry[],
): { readonly next: readonly Entry[]; readonly gap: boolean } {
  const next: Entry[] = [];
  for (const entry of held) {
    const place = placeOf(seen + next.length, entry.revision);
    if (place === 'gap') return { next, gap: true };
    if (place === 'next') next.push(entry);
  }
  return { next, gap: false };
}
