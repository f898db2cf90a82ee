import type { KernelTable } from '@fairway/mesh';
import * as z from 'zod';
import { explain, Unreadable } from './envelope.ts';

const kernelTables = z.array(
  z.object({ namespace: z.string(), text: z.string().exactOptional(), failure: z.string().exactOptional() }),
);

/** A node's answer to the question `rules`. */
export function writeKernelTables(tables: readonly KernelTable[]): string {
  return JSON.stringify(tables);
}

/** Reads a node's answer to the question `rules`. @throws {Unreadable} */
export function readKernelTables(subject: string, text: string): readonly KernelTable[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Unreadable(subject, 'not JSON', { cause });
  }
  const parsed = kernelTables.safeParse(json);
  if (!parsed.success) throw new Unreadable(subject, explain(parsed.error));
  return parsed.data;
}
