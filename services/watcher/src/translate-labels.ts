/** Labels that are the operator's wishes for the mesh begin with this. */
const prefix = 'fairway.';

/** No wish is longer, and no object has more of them; what is cut is told as unknown, and keeps the object from nothing. */
const nameMax = 256;
const valueMax = 256;
const wishesMax = 64;

/** What of an object's labels is meant for Fairway. */
export function wishes(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const meant = Object.entries(labels)
    .filter(([name]) => name.startsWith(prefix) && name.length <= nameMax)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, wishesMax);
  return Object.fromEntries(meant.map(([name, value]) => [name, value.slice(0, valueMax)]));
}
