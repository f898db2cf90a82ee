import { setTimeout as pause } from 'node:timers/promises';
import { errors, headers, type Msg } from '@nats-io/nats-core';
import { BusUnavailable, type Message } from '../bus.ts';
import { subjects } from '../subjects.ts';
import type { Connection } from './connection.ts';
import { hedge } from './hedge.ts';
import { headersOf, withId } from './message.ts';
import { readTold } from './told.ts';

/** While no decider is there, it is looked for this often. */
const lookEveryMs = 100;
/**
 * A decider that ends with a message in its hands costs so long; and so does, again and again, one that is reached by way of a
 * server whose machine was lost: the others hand it its share for seconds.
 */
const again = { afterMs: 500, most: 6, discard() {} } as const;
/** How often it is said at most that something waits, ms. */
const sayEveryMs = 10_000;

/**
 * How to tell deciders what is to be stored. It is done once they say that it is stored, or was before by this id; what
 * they say has to wait waits, and its sender with it. What is told throws `BusUnavailable` or `NotPermitted`.
 */
export function teller(connection: Connection): (message: Message, id: string) => Promise<void> {
  let saidMs = Number.NEGATIVE_INFINITY;
  const sayWaiting = (subject: string) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < sayEveryMs) return;
    saidMs = nowMs;
    connection.log?.warn('bus: more is told from here than is taken; what is more waits', { subject });
  };
  return async (message, id) => {
    const operation = `publish ${message.subject}`;
    const sent = withId(headersOf(message) ?? headers(), id);
    const options = { timeout: connection.timeoutMs, headers: sent };
    const request = () => connection.nc.request(subjects.tell(message.subject), message.text, options);
    for (;;) {
      const answer = await whenSomebodyIsThere(
        () => connection.ask(operation, (signal) => hedge(request, { ...again, signal })),
        connection.timeoutMs,
      );
      const { waitMs, failed } = readTold(answer.string());
      if (failed !== undefined) throw new BusUnavailable(operation, { cause: new Error(failed) });
      if (waitMs === undefined) return;
      sayWaiting(message.subject);
      await pause(waitMs, undefined, { ref: false });
    }
  };
}

async function whenSomebodyIsThere(ask: () => Promise<Msg>, limitMs: number): Promise<Msg> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isNobody(error) || performance.now() > endMs) throw error;
      await pause(lookEveryMs);
    }
  }
}

function isNobody(error: unknown): boolean {
  return error instanceof BusUnavailable && error.cause instanceof errors.RequestError && error.cause.isNoResponders();
}
