import type * as z from 'zod';

/** A message or an entry that cannot be read: it goes aside with this reason and changes nothing. */
export class Unreadable extends Error {
  readonly subject: string;
  readonly reason: string;
  constructor(subject: string, reason: string, options?: ErrorOptions) {
    super(`Unreadable: ${subject}: ${reason}`, options);
    this.subject = subject;
    this.reason = reason;
  }
}

/** A reason is at most so long, characters: it may tell a sender's own words, which may be a message long. */
const reasonMax = 1024;

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
    .join('; ')
    .slice(0, reasonMax);
}
