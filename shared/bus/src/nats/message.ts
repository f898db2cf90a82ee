import { headers, type MsgHdrs } from '@nats-io/nats-core';
import type { Message } from '../bus.ts';

/** Where W3C trace context travels. */
const traceHeader = 'traceparent';

export function headersOf(message: Message): MsgHdrs | undefined {
  if (message.trace === undefined) return undefined;
  const made = headers();
  made.set(traceHeader, message.trace);
  return made;
}

type Received = { readonly subject: string; readonly headers?: MsgHdrs | undefined; string(): string };

export function messageOf(received: Received): Message {
  const trace = received.headers?.get(traceHeader);
  const message = { subject: received.subject, text: received.string() };
  return trace ? { ...message, trace } : message;
}
