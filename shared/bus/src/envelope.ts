import { type Fact, type Outcome, objectOf } from '@fairway/mesh';
import * as z from 'zod';
import type { Message } from './bus.ts';
import * as schema from './schema.ts';
import { senderOf, subjects } from './subjects.ts';

/**
 * The version of everything on the bus. A reader takes its own version only, and puts others aside; a release that
 * raises it reads both for one release.
 */
export const schemaVersion = 1;

/** What every message says besides its body. Trace context and message id travel as headers, for tools to see. */
export type Envelope<Body> = {
  readonly schema: typeof schemaVersion;
  /** The mesh's epoch as the sender knew it. */
  readonly epoch: string;
  /** The sender's node id; the subject says the same, and is what a server has checked. */
  readonly sender: string;
  /** What happened, for people. */
  readonly event: string;
  /** When the sender saw it, milliseconds of its own clock: to be shown, never compared. */
  readonly atMs: number;
  readonly trace: string;
  readonly body: Body;
};

/** A message that cannot be read: it goes aside with this reason and changes nothing. */
export class Unreadable extends Error {
  readonly subject: string;
  readonly reason: string;
  constructor(subject: string, reason: string, options?: ErrorOptions) {
    super(`Unreadable: ${subject}: ${reason}`, options);
    this.subject = subject;
    this.reason = reason;
  }
}

const noTrace = '00-00000000000000000000000000000000-0000000000000000-00';

const header = z.object({
  schema: z.literal(schemaVersion),
  epoch: schema.id,
  sender: schema.id,
  event: z.string().max(256),
  atMs: schema.timeMs,
});
const factEnvelope = header.extend({ body: schema.fact });
const outcomeEnvelope = header.extend({ body: schema.outcome });

/** The message that carries a fact; `trace` is the W3C traceparent of what was observed. */
export function factMessage(
  sender: string,
  epoch: string,
  fact: Fact,
  event: string,
  atMs: number,
  trace: string,
): Message {
  const subject = subjects.fact(sender, fact.kind, objectOf(fact));
  return { subject, text: JSON.stringify({ schema: schemaVersion, epoch, sender, event, atMs, body: fact }), trace };
}

/**
 * Reads a fact.
 *
 * @throws {Unreadable} when it does not parse, does not fit its schema, or speaks for another than its sender: a node
 *   speaks of its own containers only.
 */
export function readFact(message: Message): Envelope<Fact> {
  const envelope = read(message, factEnvelope);
  const { body, sender } = envelope;
  if ((body.kind === 'container' || body.kind === 'node-listing') && body.node !== sender) {
    throw new Unreadable(message.subject, `node ${sender} speaks for node ${body.node}`);
  }
  return envelope;
}

/** The message that carries an outcome. */
export function outcomeMessage(sender: string, epoch: string, outcome: Outcome, atMs: number, trace: string): Message {
  return {
    subject: subjects.outcome(sender, outcome.kind),
    text: JSON.stringify({ schema: schemaVersion, epoch, sender, event: outcome.kind, atMs, body: outcome }),
    trace,
  };
}

/** Reads an outcome. @throws {Unreadable} as `readFact`. */
export function readOutcome(message: Message): Envelope<Outcome> {
  return read(message, outcomeEnvelope);
}

/** How much of an unreadable message is kept with its reason, characters. */
const deadTextMax = 4096;

/** The message that puts another aside: who did, why, and how it began. */
export function deadLetter(sender: string, unreadable: { subject: string; reason: string }, text: string): Message {
  const { subject, reason } = unreadable;
  return {
    subject: subjects.deadLetter(sender),
    text: JSON.stringify({ subject, reason, text: text.slice(0, deadTextMax) }),
  };
}

function read<Body>(message: Message, shape: z.ZodType<Omit<Envelope<Body>, 'trace'>>): Envelope<Body> {
  const parsed = parseText(message.subject, message.text, shape);
  if (senderOf(message.subject) !== parsed.sender) {
    throw new Unreadable(message.subject, `the envelope names ${parsed.sender} as its sender`);
  }
  return { ...parsed, trace: message.trace ?? noTrace };
}

/** Reads JSON of a shape. @throws {Unreadable} */
export function parseText<Value>(subject: string, text: string, shape: z.ZodType<Value>): Value {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Unreadable(subject, 'not JSON', { cause });
  }
  const parsed = shape.safeParse(json);
  if (!parsed.success) throw new Unreadable(subject, explain(parsed.error));
  return parsed.data;
}

/** The first few things wrong with a value, in one line. */
export function explain(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`)
    .join('; ');
}
