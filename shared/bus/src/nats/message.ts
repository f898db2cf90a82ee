import { headers, type MsgHdrs } from '@nats-io/nats-core';
import type { Message } from '../bus.ts';

/** Where W3C trace context travels. */
const traceHeader = 'traceparent';

/** Where a message's id travels to those who store it; JetStream's own header, by which it stores an id once. */
const idHeader = 'Nats-Msg-Id';

type Traced = Pick<Message, 'trace'>;

export function headersOf({ trace }: Traced): MsgHdrs | undefined {
  if (trace === undefined) return undefined;
  const made = headers();
  made.set(traceHeader, trace);
  return made;
}

export function withId(sent: MsgHdrs, id: string): MsgHdrs {
  sent.set(idHeader, id);
  return sent;
}

type Headed = { readonly headers?: MsgHdrs | undefined };
type Received = Headed & { readonly subject: string; string(): string };

export function traceOf({ headers }: Headed): Traced {
  const trace = headers?.get(traceHeader);
  return trace ? { trace } : {};
}

/** Empty where it has none. */
export function idOf({ headers }: Headed): string {
  return headers?.get(idHeader) ?? '';
}

export function messageOf(received: Received): Message {
  return { subject: received.subject, text: received.string(), ...traceOf(received) };
}
