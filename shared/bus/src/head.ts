import * as z from 'zod';
import type { Message } from './bus.ts';
import { parseText } from './parse-text.ts';
import { index } from './schema.ts';
import { subjects } from './subjects.ts';
import { schemaVersion, version } from './version.ts';

/** Where the mesh bucket stands: which one it is, and the revision of its last write. */
export type Head = { readonly epoch: string; readonly revision: number };

const shape = z.object({ schema: version, epoch: z.string().min(1).max(64), revision: index });

/** The message by which a decider says where the bucket stands. */
export function headMessage(sender: string, { epoch, revision }: Head): Message {
  return { subject: subjects.head(sender), text: JSON.stringify({ schema: schemaVersion, epoch, revision }) };
}

/** Reads it. @throws {Unreadable} */
export function readHeadMessage({ subject, text }: Message): Head {
  const { epoch, revision } = parseText(subject, text, shape);
  return { epoch, revision };
}
