import type { Address, Reading } from '@fairway/mesh';
import * as z from 'zod';
import type { Message } from './bus.ts';
import { parseText, Unreadable } from './parse-text.ts';
import * as schema from './schema.ts';
import { senderOf, subjects } from './subjects.ts';
import { schemaVersion, version } from './version.ts';

/** A node says so often that it lives, milliseconds, unless it says otherwise. */
export const beatMs = 200;
export const beatMsMin = 10;
export const beatMsMax = 60_000;

/** A node's word that it lives. */
export type Beat = {
  readonly node: string;
  /** In which life, and when by its own monotonic clock. */
  readonly reading: Reading;
  /** How often it says so, milliseconds. */
  readonly everyMs: number;
  /** The ingress sandbox's own address on the ingress network, at which others can try to reach it; absent without one. */
  readonly sandbox?: Address;
};

const shape = z.object({
  schema: version,
  reading: schema.reading,
  everyMs: z.int().min(beatMsMin).max(beatMsMax),
  sandbox: schema.address.exactOptional(),
});

export function beatMessage({ node, reading, everyMs, sandbox }: Beat): Message {
  const said = { schema: schemaVersion, reading, everyMs, ...(sandbox ? { sandbox: sandbox.text } : {}) };
  return { subject: subjects.beat(node), text: JSON.stringify(said) };
}

/** Reads a beat. @throws {Unreadable} */
export function readBeat({ subject, text }: Message): Beat {
  const node = senderOf(subject);
  if (node === undefined) throw new Unreadable(subject, 'no node in it');
  const { schema: _, ...beat } = parseText(subject, text, shape);
  return { node, ...beat };
}
