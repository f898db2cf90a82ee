import { errors, headers, type Msg } from '@nats-io/nats-core';
import type { Stoppable } from '../bus.ts';
import { AnswerFailed, AnswerLate, failureLine, NobodyAnswers } from '../unanswered.ts';
import { requireSize } from './bucket.ts';
import type { Connection } from './connection.ts';

/** Where NATS's own services say why they could not answer (ADR-32 of nats-architecture-and-design). */
const failureHeader = 'Nats-Service-Error';

/** Plain request and reply. @throws {NobodyAnswers, AnswerLate, AnswerFailed, MessageTooLarge, BusUnavailable} */
export async function ask(connection: Connection, subject: string, text: string, limitMs: number): Promise<string> {
  requireSize(connection, subject, Buffer.byteLength(text));
  const answer = await connection.ask(`ask ${subject}`, () =>
    connection.nc.request(subject, text, { timeout: limitMs }).catch((error) => {
      if (error instanceof errors.TimeoutError) throw new AnswerLate(subject, limitMs, { cause: error });
      const nobody = error instanceof errors.RequestError && error.isNoResponders();
      throw nobody ? new NobodyAnswers(subject, { cause: error }) : error;
    }),
  );
  const failure = answer.headers?.get(failureHeader);
  if (failure) throw new AnswerFailed(subject, failure);
  return answer.string();
}

/** Answers until it is stopped; the client subscribes again by itself after each loss. */
export function answer(connection: Connection, subject: string, handle: (text: string) => Promise<string>): Stoppable {
  const respond = async (asked: Msg) => {
    try {
      const text = await handle(asked.string());
      requireSize(connection, subject, Buffer.byteLength(text));
      asked.respond(text);
    } catch (error) {
      const failed = headers();
      failed.set(failureHeader, failureLine(error));
      if (connection.connected) asked.respond('', { headers: failed });
    }
  };
  const subscription = connection.nc.subscribe(subject, {
    callback: (error, asked) => {
      if (error) connection.log?.warn(`answer ${subject}: ${error.message}`);
      else void respond(asked);
    },
  });
  return {
    async stop() {
      if (!subscription.isClosed()) subscription.unsubscribe();
    },
  };
}
