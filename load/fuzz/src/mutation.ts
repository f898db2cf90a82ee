import * as fc from 'fast-check';

/** One change to a JSON value: what stands at a pointer (RFC 6901) is another value. */
export type Mutation = { readonly at: string; readonly value: unknown };

/** The value with its changes, each on what the ones before it left; one whose place is no more changes nothing. */
export function mutate<T>(value: T, mutations: readonly Mutation[]): unknown {
  const held = { '': structuredClone(value) as unknown };
  for (const { at, value: other } of mutations) {
    const path = at.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = path.pop() ?? '';
    let inner: unknown = held;
    for (const token of path) inner = isContainer(inner) ? (inner as Record<string, unknown>)[token] : undefined;
    if (!isContainer(inner)) continue;
    // As JSON.parse does: a field, whatever its name.
    Object.defineProperty(inner, last, { value: other, writable: true, enumerable: true, configurable: true });
  }
  return held[''];
}

/** The pointers of all that is in a JSON value, itself among them. */
function placesIn(value: unknown, at = ''): string[] {
  if (!isContainer(value)) return [at];
  const inner = Object.entries(value).flatMap(([name, held]) =>
    placesIn(held, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  return [at, ...inner];
}

/** A few changes to a value; its own places, and fields that it does not have. */
export function mutations(
  value: unknown,
  by: fc.Arbitrary<unknown>,
  field: fc.Arbitrary<string>,
): fc.Arbitrary<Mutation[]> {
  const places = placesIn(value);
  const place = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...places) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...places), field)
        .map(([at, name]) => `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
    },
  );
  return fc.array(fc.record({ at: place, value: by }), { minLength: 1, maxLength: 5 });
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
