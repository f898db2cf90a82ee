import type { Msg } from '@nats-io/nats-core';
import { Admission } from '../admission.ts';
import type { Bus, Stoppable } from '../bus.ts';
import { Doors, shutMs } from '../doors.ts';
import { FairQueue } from '../fair-queue.ts';
import { realClock } from '../memory/clock.ts';
import { senderOf, subjects, toldOf } from '../subjects.ts';
import { throttledMessage } from '../throttled.ts';
import { failureLine } from '../unanswered.ts';
import { requireSize } from './bucket.ts';
import type { Connection } from './connection.ts';
import { idOf, traceOf } from './message.ts';
import { store } from './store.ts';
import { writeTold } from './told.ts';

/** Of several who admit, one takes each message. */
const queue = 'admission';
/** How often it is said who is refused, ms. */
const sayEveryMs = 1000;
/** Longer ids are nobody's, and JetStream would keep each for two minutes. */
const idMax = 256;
/** So many are being stored at a time; what is admitted meanwhile waits for its sender's turn. */
const storingMax = 64;
/** What has waited for so long is not stored: whoever told it has given up, and tells it again. */
const turnWithinMs = 5_000;

type Admitted = { readonly told: Msg; readonly subject: string; readonly sender: string; readonly atMs: number };

/**
 * Takes what everybody tells, and stores what of it is admitted. NATS has no rate for a client, and a stream takes what
 * comes in one line for all, behind as much as anybody likes to send (decision 0013). On a connection of its own, as a
 * server that finds it too slow cuts it off.
 */
export function admit(connection: Connection): Stoppable & Pick<Bus, 'expect'> {
  const admission = new Admission();
  const waiting = new FairQueue<Admitted>();
  let storing = 0;
  /** By id, what is being stored: who tells it again meanwhile is told what comes of that. */
  const underWay = new Map<string, Promise<void>>();
  /** How often each sender was refused since it was last said. */
  const refused = new Map<string, number>();

  const ownId = (sender: string, told: Msg) => `${sender}:${idOf(told)}`;

  const take = (told: Msg) => {
    const subject = toldOf(told.subject);
    const sender = senderOf(subject) ?? '';
    const atMs = performance.now();
    const verdict = admission.judge(subject, told.data.length, atMs);
    if (verdict.kind === 'admitted') {
      doors.hear(sender);
      const storing = underWay.get(ownId(sender, told));
      if (storing) return answerBy(told, storing);
      waiting.add(sender, { told, subject, sender, atMs });
      return storeNext();
    }
    refused.set(sender, (refused.get(sender) ?? 0) + 1);
    if (verdict.kind === 'refused') told.respond(writeTold({ waitMs: verdict.waitMs }));
    else if (doors.shutOut(sender))
      connection.log?.warn('bus: a sender floods, and is not heard for a while', { sender, forMs: shutMs });
  };

  const storeNext = () => {
    while (storing < storingMax) {
      const next = waiting.next();
      if (!next) return;
      storing++;
      void answerBy(next.told, storeOne(next)).then(() => {
        storing--;
        storeNext();
      });
    }
  };

  /** Under its sender's name: nobody's message can be taken for a repetition of another's. */
  const storeOne = async ({ told, subject, sender, atMs }: Admitted) => {
    if (performance.now() - atMs > turnWithinMs) throw new Error('the streams took too little in its time');
    const id = idOf(told);
    if (id.length > idMax) throw new Error(`an id of more than ${idMax} characters`);
    requireSize(connection, subject, told.data.length);
    const stored = { subject, payload: told.data, ...traceOf(told) };
    if (!id) return store(connection, stored);
    const own = ownId(sender, told);
    const storing = underWay.get(own) ?? store(connection, stored, own).finally(() => underWay.delete(own));
    underWay.set(own, storing);
    return storing;
  };

  const answerBy = async (told: Msg, storing: Promise<void>): Promise<void> => {
    const said = await storing.then(
      () => ({}),
      (error) => ({ failed: failureLine(error) }),
    );
    if (connection.connected) told.respond(writeTold(said));
  };

  const saying = setInterval(() => {
    for (const sender of doors.shut) if (!refused.has(sender)) refused.set(sender, 0);
    for (const [sender, count] of refused) {
      connection.log?.warn('bus: a sender tells more than is taken', { sender, refused: count });
      const { subject, text } = throttledMessage(connection.sender, { sender, refused: count });
      if (connection.connected) connection.nc.publish(subject, text);
    }
    refused.clear();
  }, sayEveryMs).unref();

  const doors = new Doors({ everybody: subjects.told, of: subjects.toldBy, clock: realClock, listen });

  function listen(pattern: string): () => void {
    const subscription = connection.nc.subscribe(pattern, {
      queue,
      callback: (error, told) => {
        if (error) connection.log?.warn(`admit: ${error.message}`);
        else take(told);
      },
    });
    return () => {
      if (!subscription.isClosed()) subscription.unsubscribe();
    };
  }

  return {
    expect(senders) {
      for (const sender of senders) doors.hear(sender);
    },
    async stop() {
      clearInterval(saying);
      doors.stop();
    },
  };
}
