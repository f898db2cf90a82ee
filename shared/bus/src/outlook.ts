import * as z from 'zod';
import { list } from './bounded.ts';
import type { Message } from './bus.ts';
import { parseText, Unreadable } from './parse-text.ts';
import * as schema from './schema.ts';
import { senderOf, subjects } from './subjects.ts';
import { schemaVersion, version } from './version.ts';

/** A sentinel says so often how far it sees, milliseconds. */
export const outlookEveryMs = 1_000;

/** How far a sentinel sees. */
export type Outlook = {
  /** Its name. */
  readonly sentinel: string;
  /** How many nodes it expects to hear. */
  readonly expected: number;
  /** Those that it does not hear, of which nobody has confirmed that they are lost: they keep their traffic. */
  readonly unheard: readonly string[];
  /** Whether that is more than half: it takes itself for blind. */
  readonly blind: boolean;
};

const shape = z.object({
  schema: version,
  expected: schema.index,
  unheard: list(schema.id, 4_096),
  blind: z.boolean(),
});

export function outlookMessage({ sentinel, ...said }: Outlook): Message {
  return { subject: subjects.outlook(sentinel), text: JSON.stringify({ schema: schemaVersion, ...said }) };
}

/** Reads it. @throws {Unreadable} */
export function readOutlook({ subject, text }: Message): Outlook {
  const sentinel = senderOf(subject);
  if (sentinel === undefined) throw new Unreadable(subject, 'no sentinel in it');
  const { schema: _, ...said } = parseText(subject, text, shape);
  return { sentinel, ...said };
}
