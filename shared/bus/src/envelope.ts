import { type Fact, type Outcome, objectOf } from '@fairway/mesh';
import * as z from 'zod';
import type { Message } from './bus.ts';
import { lengths } from './lengths.ts';
import { parseText, Unreadable } from './parse-text.ts';
import * as schema from './schema.ts';
import { senderOf, subjects } from './subjects.ts';
import { knownTrace } from './trace.ts';
import { schemaVersion, version } from './version.ts';

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

const header = z.object({
  schema: version,
  epoch: schema.id,
  sender: schema.id,
  event: z.string().max(lengths.event),
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
  return message(subjects.fact(sender, fact.kind, objectOf(fact)), sender, epoch, fact, event, atMs, trace);
}

/**
 * Reads a fact.
 *
 * @throws {Unreadable} when it does not parse, does not fit its schema, speaks of something else than its subject, which
 *   is what a server has checked, or for another than its sender: a node speaks of its own containers only.
 */
export function readFact(message: Message): Envelope<Fact> {
  const envelope = read(message, factEnvelope);
  const { body, sender } = envelope;
  requireSubject(message.subject, subjects.fact(sender, body.kind, objectOf(body)));
  if ((body.kind === 'container' || body.kind === 'node-listing') && body.node !== sender) {
    throw new Unreadable(message.subject, `node ${sender} speaks for node ${body.node}`);
  }
  return envelope;
}

/** The message that carries an outcome. */
export function outcomeMessage(sender: string, epoch: string, outcome: Outcome, atMs: number, trace: string): Message {
  return message(subjects.outcome(sender, outcome.kind), sender, epoch, fit(outcome), outcome.kind, atMs, trace);
}

/** Reads an outcome. @throws {Unreadable} as `readFact`. */
export function readOutcome(message: Message): Envelope<Outcome> {
  const envelope = read(message, outcomeEnvelope);
  requireSubject(message.subject, subjects.outcome(envelope.sender, envelope.body.kind));
  return envelope;
}

/** How much of an unreadable message is kept with its reason, characters. */
const deadTextMax = 4096;

/** The message that puts another aside: who did, why, and how it began. */
export function deadLetter(sender: string, unreadable: { subject: string; reason: string }, text: string): Message {
  const { subject, reason } = unreadable;
  return {
    subject: subjects.deadLetter(sender),
    text: JSON.stringify({
      schema: schemaVersion,
      subject: subject.slice(0, lengths.reason),
      reason: reason.slice(0, lengths.reason),
      text: text.slice(0, deadTextMax),
    }),
  };
}

function message(
  subject: string,
  sender: string,
  epoch: string,
  body: Fact | Outcome,
  event: string,
  atMs: number,
  trace: string,
): Message {
  const said = event.slice(0, lengths.event);
  return { subject, text: JSON.stringify({ schema: schemaVersion, epoch, sender, event: said, atMs, body }), trace };
}

/** An outcome that its readers take, whatever a label or a command's error holds that it quotes. */
function fit(outcome: Outcome): Outcome {
  switch (outcome.kind) {
    case 'applied': {
      const notes = outcome.notes.map(({ kind, about, why }) => ({
        kind,
        about: about.slice(0, lengths.name),
        why: why.slice(0, lengths.why),
      }));
      return { ...outcome, notes };
    }
    case 'failed':
      return { ...outcome, reason: outcome.reason.slice(0, lengths.reason) };
    case 'stale':
      return outcome;
    default:
      return { ...outcome, found: outcome.found.slice(0, schema.foundMax).map((one) => one.slice(0, lengths.found)) };
  }
}

function read<Body>(message: Message, shape: z.ZodType<Omit<Envelope<Body>, 'trace'>>): Envelope<Body> {
  const parsed = parseText(message.subject, message.text, shape);
  if (senderOf(message.subject) !== parsed.sender) {
    throw new Unreadable(message.subject, `the envelope names ${parsed.sender} as its sender`);
  }
  return { ...parsed, trace: knownTrace(message.trace) };
}

/** @throws {Unreadable} */
function requireSubject(subject: string, said: string): void {
  if (subject !== said) throw new Unreadable(subject, `it speaks of what belongs on ${said}`);
}
