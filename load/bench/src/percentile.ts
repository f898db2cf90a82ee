/** The value below which so many of a hundred lie (nearest rank); NaN of none. */
export function percentile(values: readonly number[], of: number): number {
  // Two million values take a second as an array of any numbers.
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil((of / 100) * sorted.length) - 1)] ?? Number.NaN;
}
