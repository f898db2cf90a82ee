import * as z from 'zod';
import type { Message } from './bus.ts';
import { parseText } from './parse-text.ts';
import { id, index } from './schema.ts';
import { subjects } from './subjects.ts';
import { schemaVersion, version } from './version.ts';

/** A sender of which more was refused than admitted: how many messages, in the second before it is said. */
export type Throttled = { readonly sender: string; readonly refused: number };

const shape = z.object({ schema: version, sender: id, refused: index });

/** The message by which who refuses it says it: a decider what is told, a sentinel beats. */
export function throttledMessage(by: string, { sender, refused }: Throttled): Message {
  return { subject: subjects.throttled(by), text: JSON.stringify({ schema: schemaVersion, sender, refused }) };
}

/** Reads it. @throws {Unreadable} */
export function readThrottled({ subject, text }: Message): Throttled {
  const { sender, refused } = parseText(subject, text, shape);
  return { sender, refused };
}
