import { BusUnavailable, type Stoppable } from '../bus.ts';
import { AnswerFailed, AnswerLate, failureLine, NobodyAnswers } from '../unanswered.ts';
import type { MemoryConnection } from './connection.ts';

/** Asks the first who answers on the subject and has a connection, as plain NATS takes the first answer. */
export async function ask(
  connection: MemoryConnection,
  subject: string,
  text: string,
  limitMs: number,
): Promise<string> {
  connection.requireSize(subject, text);
  const { server } = connection;
  await connection.reach(`ask ${subject}`, () => connection.connected);
  return new Promise((resolve, reject) => {
    const end = (tell: () => void) => {
      cancel();
      off();
      tell();
    };
    const cancel = server.clock.after(limitMs, () => end(() => reject(new AnswerLate(subject, limitMs))));
    const off = connection.onState((state, detail) => {
      if (state !== 'lost') return;
      end(() => reject(new BusUnavailable(`ask ${subject}`, { cause: new Error(detail) })));
    });
    connection.outward.pass(() => {
      const answerer = [...server.answerers].find(
        (one) =>
          one.subject === subject && one.connection.connected && one.connection.hasQuorum === connection.hasQuorum,
      );
      if (!answerer) return connection.inward.pass(() => end(() => reject(new NobodyAnswers(subject))));
      const { connection: other } = answerer;
      // What is said without a connection does not arrive.
      const say = (tell: () => void) =>
        other.connected && other.outward.pass(() => connection.inward.pass(() => end(tell)));
      other.inward.pass(async () => {
        if (!server.answerers.has(answerer)) return;
        const told = await answerer.handle(text).then(
          (answer) => () => resolve(answer),
          (error) => () => reject(new AnswerFailed(subject, failureLine(error))),
        );
        await other.late();
        say(told);
      });
    });
  });
}

/** Answers until it is stopped. */
export function answer(
  connection: MemoryConnection,
  subject: string,
  handle: (text: string) => Promise<string>,
): Stoppable {
  const answerer = {
    subject,
    connection,
    async handle(text: string) {
      const answered = await handle(text);
      connection.requireSize(subject, answered);
      return answered;
    },
  };
  connection.server.answerers.add(answerer);
  return {
    async stop() {
      connection.server.answerers.delete(answerer);
    },
  };
}
