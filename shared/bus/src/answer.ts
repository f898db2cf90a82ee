import { type Explanation, endpointStates, type KernelTable } from '@fairway/mesh';
import * as z from 'zod';
import { parseText } from './envelope.ts';
import * as schema from './schema.ts';

const kernelTables = z.array(
  z.object({ namespace: z.string(), text: z.string().exactOptional(), failure: z.string().exactOptional() }),
);

const held = { held: z.boolean().exactOptional() };
const explanation = z.object({
  node: z.string(),
  target: z.string(),
  revision: schema.index,
  service: z.string().exactOptional(),
  unserved: z.string().exactOptional(),
  backends: z.array(
    z.object({
      task: z.string(),
      service: z.string(),
      node: z.string(),
      address: z.string().exactOptional(),
      state: z.enum(endpointStates),
      sinceMs: schema.timeMs,
      awaited: z.string().exactOptional(),
      planned: z.boolean(),
      ...held,
    }),
  ),
  kernel: z.array(z.object({ what: z.string(), ...held })),
  notes: z.array(schema.note),
  causes: z.array(z.object({ event: z.string(), atMs: schema.timeMs, trace: z.string() })),
});

/** What a node says to `uninstall` and `install`: the namespaces that it has left to Docker. */
export type HandoverDone = { readonly released: readonly string[] };

const handoverDone = z.object({ released: z.array(z.string()) });

export function writeHandover(done: HandoverDone): string {
  return JSON.stringify(done);
}

/** Reads a node's answer to `uninstall` or `install`. @throws {Unreadable} */
export function readHandover(subject: string, text: string): HandoverDone {
  return parseText(subject, text, handoverDone);
}

/** A node's answer to the question `rules`. */
export function writeKernelTables(tables: readonly KernelTable[]): string {
  return JSON.stringify(tables);
}

/** A node's answer to the question `explain`. */
export function writeExplanation(explained: Explanation): string {
  return JSON.stringify(explained);
}

/** Reads a node's answer to the question `rules`. @throws {Unreadable} */
export function readKernelTables(subject: string, text: string): readonly KernelTable[] {
  return parseText(subject, text, kernelTables);
}

/** Reads a node's answer to the question `explain`. @throws {Unreadable} */
export function readExplanation(subject: string, text: string): Explanation {
  return parseText(subject, text, explanation);
}
