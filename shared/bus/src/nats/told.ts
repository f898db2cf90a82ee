import * as z from 'zod';

/** What somebody hears who told something: nothing where it is stored, how long to wait, or what failed. */
export type Told = { readonly waitMs?: number; readonly failed?: string };

/** A sender waits no longer, whatever it is told. */
const waitMsMax = 20_000;

const shape = z.object({ waitMs: z.int().min(0).max(waitMsMax).exactOptional(), failed: z.string().exactOptional() });

/** As it travels. */
export function writeTold(told: Told): string {
  return JSON.stringify(told);
}

/** Reads it; what it cannot be counts as a failure. */
export function readTold(text: string): Told {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    return { failed: 'an answer that cannot be read' };
  }
}
