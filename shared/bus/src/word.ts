import type { Cause, Word } from '@fairway/mesh';
import * as z from 'zod';
import type { Allowance } from './allowance.ts';
import type { Message } from './bus.ts';
import { parseText, Unreadable } from './parse-text.ts';
import * as schema from './schema.ts';
import { senderOf, subjects } from './subjects.ts';
import { knownTrace } from './trace.ts';
import { schemaVersion, version } from './version.ts';

/** How many words a node says; what is more the mesh tells alone. */
export const wordAllowance: Allowance = { perSecond: 20, burst: 200 };
/** How many of one sender are heard by one connection: each is said once by way of each server. */
export const wordsHeard: Allowance = { perSecond: 10 * wordAllowance.perSecond, burst: 10 * wordAllowance.burst };

const shape = z.object({
  schema: version,
  service: schema.id,
  task: schema.id,
  state: z.enum([...schema.containerLife.options, 'released']),
  reading: schema.reading,
  atMs: schema.timeMs,
});

export function wordMessage({ node, trace, ...word }: Word): Message {
  return { subject: subjects.word(node), text: JSON.stringify({ schema: schemaVersion, ...word }), trace };
}

/** Reads a node's word; the subject, which a server has checked, says whose it is. @throws {Unreadable} */
export function readWord({ subject, text, trace }: Message): Word {
  const node = senderOf(subject);
  if (node === undefined) throw new Unreadable(subject, 'no node in it');
  const { schema: _, ...word } = parseText(subject, text, shape);
  return { node, ...word, trace: knownTrace(trace) };
}

/** What a word brings about, as the cause of a change. */
export function wordCause({ trace, state, atMs }: Word): Cause {
  return { trace, event: state === 'released' ? 'task change' : `container ${state}`, atMs, after: 0 };
}
