import type { Verdict } from '@fairway/mesh';
import * as z from 'zod';
import type { Message } from './bus.ts';
import { parseText, Unreadable } from './parse-text.ts';
import * as schema from './schema.ts';
import { senderOf, subjects } from './subjects.ts';
import { knownTrace } from './trace.ts';
import { schemaVersion, version } from './version.ts';

/** What happened, for people: as a cause of the change. */
export const nodeDown = 'node down';
export const nodeUp = 'node up';

/** A verdict is said again so often for as long as it has no record, and over so long after it was said last. */
export const verdictEveryMs = 1_000;
export const verdictForMs = 15_000;

const shape = z.object({
  schema: version,
  node: schema.id,
  incarnation: schema.incarnation.exactOptional(),
  votes: schema.votes,
  sinceMs: schema.timeMs,
  epoch: z.string().max(64),
  after: schema.index,
});

export function verdictMessage({ by, trace, ...verdict }: Verdict): Message {
  const { node } = verdict;
  return { subject: subjects.verdict(by, node), text: JSON.stringify({ schema: schemaVersion, ...verdict }), trace };
}

/** Reads a verdict. @throws {Unreadable} */
export function readVerdict({ subject, text, trace }: Message): Verdict {
  const { schema: _, ...verdict } = parseText(subject, text, shape);
  const by = senderOf(subject);
  if (by === undefined || subject !== subjects.verdict(by, verdict.node))
    throw new Unreadable(subject, `it speaks of what belongs on ${subjects.verdict(by ?? 'SENTINEL', verdict.node)}`);
  return { ...verdict, by, trace: knownTrace(trace) };
}
