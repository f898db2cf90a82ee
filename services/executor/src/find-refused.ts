/** More than a dozen refused ones of ten thousand take: each some 2 · log2 of so many. */
const checksMax = 400;

/**
 * Those of several things that are refused, by halving: what is accepted together has none. Undefined where it would take too
 * many checks: then it is not some of them that are refused.
 */
export async function findRefused<Thing>(
  things: readonly Thing[],
  accepts: (some: readonly Thing[]) => Promise<boolean>,
): Promise<readonly Thing[] | undefined> {
  let checks = 0;
  const among = async (some: readonly Thing[]): Promise<readonly Thing[] | undefined> => {
    checks += 1;
    if (checks > checksMax) return undefined;
    if (await accepts(some)) return [];
    if (some.length < 2) return some;
    const half = Math.ceil(some.length / 2);
    const first = await among(some.slice(0, half));
    const second = first && (await among(some.slice(half)));
    return first && second && [...first, ...second];
  };
  return among(things);
}
