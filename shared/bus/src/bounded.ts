import * as z from 'zod';

/** So many items are looked at before it is asked whether all of them fit. */
const together = 16;

/**
 * A list that is refused at the first few items that do not fit. zod's own goes on to the last one and keeps what is
 * wrong with each: of 500,000 wrong items, which fit into one message, for 9 s and in 460 MB (zod 4.6.7). For long
 * lists; within their items stand short ones.
 */
export function list<Item extends z.ZodType>(item: Item, max: number) {
  const some = z.array(item);
  return z.array(z.unknown()).transform((values, context): z.output<Item>[] => {
    if (values.length > max) {
      context.addIssue({ code: 'custom', message: `${values.length} items, of at most ${max}` });
      return z.NEVER;
    }
    const items: z.output<Item>[] = [];
    for (let at = 0; at < values.length; at += together) {
      const parsed = some.safeParse(values.slice(at, at + together));
      if (!parsed.success) return refuse(context, parsed.error, ([n, ...path]) => [at + Number(n), ...path]);
      items.push(...parsed.data);
    }
    return items;
  });
}

/** A list whose items are looked at only where it is as short as it has to be. */
export function shortList<Item extends z.ZodType>(item: Item, max: number) {
  return z
    .unknown()
    .refine((value) => !Array.isArray(value) || value.length <= max, `more than ${max} items`)
    .pipe(z.array(item));
}

/** What Fairway keeps without knowing it is nested at most so deep; `JSON.stringify` gives up at some 4,000 (Node 24). */
const depthMax = 16;

/** What a newer release says beside what this one knows: any JSON that can be written again. */
export const further = z.unknown().refine((value) => !isDeeper(value, depthMax), `nested deeper than ${depthMax}`);

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((held) => isDeeper(held, depth - 1));
}

/** Texts by name, refused at the first that does not fit, as a `list`. A name that is a prototype's is left out. */
export function texts(max: number, nameMax: number, textMax: number) {
  const name = z.string().max(nameMax);
  const text = z.string().max(textMax);
  return z.record(z.string(), z.unknown()).transform((values, context): Record<string, string> => {
    const entries = Object.entries(values);
    if (entries.length > max) {
      context.addIssue({ code: 'custom', message: `${entries.length} names, of at most ${max}` });
      return z.NEVER;
    }
    const read: [string, string][] = [];
    for (const [key, value] of entries) {
      const [named, said] = [name.safeParse(key), text.safeParse(value)];
      if (!named.success) return refuse(context, named.error, () => [key.slice(0, nameMax)]);
      if (!said.success) return refuse(context, said.error, () => [key]);
      read.push([key, said.data]);
    }
    return Object.fromEntries(read);
  });
}

function refuse(
  context: z.core.$RefinementCtx,
  { issues }: z.ZodError,
  place: (path: PropertyKey[]) => PropertyKey[],
): never {
  for (const { path, message } of issues.slice(0, 3)) context.addIssue({ code: 'custom', message, path: place(path) });
  return z.NEVER;
}
