/** So long one run may take, with room for a slow machine; most take a tenth of a second. */
const runMaxMs = 1_000;

/**
 * How much is tried: the same few inputs in each run of the tests, and as many others as one likes by
 * `FAIRWAY_FUZZ_SEED` and `FAIRWAY_FUZZ_RUNS`. What fails is told with its seed, and shrunk.
 */
export function runs(usual: number) {
  const numRuns = Number(process.env.FAIRWAY_FUZZ_RUNS ?? usual);
  return { seed: Number(process.env.FAIRWAY_FUZZ_SEED ?? 1), numRuns, limitMs: numRuns * runMaxMs } as const;
}
