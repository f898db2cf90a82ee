import * as z from 'zod';
import { schemaVersion, version } from '../version.ts';

/** What somebody hears who told something: nothing where it is stored, how long to wait, or what failed. */
export type Told = { readonly waitMs?: number; readonly failed?: string };

/** A sender waits no longer, whatever it is told. */
const waitMsMax = 20_000;

/**
 * Its version is not called `schema`: an answer goes wherever the asker says, and so to another node as well, which is not to
 * take it for a question (decision 0010). Releases before this one said none, and there may still be deciders of theirs.
 */
const shape = z.object({
  told: version.exactOptional(),
  waitMs: z.int().min(0).max(waitMsMax).exactOptional(),
  failed: z.string().exactOptional(),
});

/** As it travels. */
export function writeTold(told: Told): string {
  return JSON.stringify({ told: schemaVersion, ...told });
}

/** Reads it; what it cannot be counts as a failure. */
export function readTold(text: string): Told {
  try {
    const { told: _, ...told } = shape.parse(JSON.parse(text));
    return told;
  } catch {
    return { failed: 'an answer that cannot be read' };
  }
}
