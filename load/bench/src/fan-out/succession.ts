/** Something with a place in the stream's order. */
export type Placed = { readonly sequence: number };

/**
 * What a message is to a reader that has had everything up to `seen`. A stream counts its messages without a hole, so
 * that any other number than the next one says that something was missed.
 */
export function placeOf(seen: number, sequence: number): 'next' | 'known' | 'gap' {
  if (sequence <= seen) return 'known';
  return sequence === seen + 1 ? 'next' : 'gap';
}

/** Of what came live while the reader caught up: what follows on what it has now, and whether something is missing. */
export function succeed<Message extends Placed>(
  seen: number,
  held: readonly Message[],
): { readonly next: readonly Message[]; readonly gap: boolean } {
  const next: Message[] = [];
  for (const message of held) {
    const place = placeOf(seen + next.length, message.sequence);
    if (place === 'gap') return { next, gap: true };
    if (place === 'next') next.push(message);
  }
  return { next, gap: false };
}
