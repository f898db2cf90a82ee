import { randomUUID } from 'node:crypto';
import { AckPolicy, type ConsumerInfo, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { Stoppable } from '../bus.ts';
import { attend } from './attend.ts';
import type { Connection } from './connection.ts';
import { hand } from './hand.ts';
import { hedge } from './hedge.ts';

/** Reading a stream in order, each message once, across servers' ends. */
export type OrderedReading = {
  /** For what is said about it. */
  readonly name: string;
  readonly stream: string;
  readonly filter: string;
  /** Tells a stream from one made anew under its name; undefined while there is none. */
  identify(): Promise<string | undefined>;
  message(message: JsMsg): void;
};

const batch = 1000;
/** A consumer that nobody asks for this long is removed by the server. */
const inactiveMs = 10_000;
/**
 * A server that was killed counts as there for a while yet, and a consumer that is put onto it is never made (seen with
 * 2.10.27, about each third time). So its making is asked for again, and the first that is made is read.
 */
const making = { afterMs: 100, most: 3 };

/**
 * Hands over the last message of each subject, then each new one, in order, none twice. After a loss it goes on behind
 * the last sequence seen if the stream is still the same one, else it begins again: a stream made anew counts from 1,
 * and whoever asks it for the old sequence hears nothing, without an error.
 */
export function readInOrder(connection: Connection, reading: OrderedReading): Stoppable {
  const { stream, filter } = reading;
  let held: string | undefined;
  let seen = 0;

  return attend(connection, reading.name, async () => {
    const identity = await reading.identify();
    if (identity === undefined) return undefined;
    const { state } = await connection.askAgain(`look at ${stream}`, () => connection.manager.streams.info(stream));
    // A server that lost its last writes (power, no fsync) has the same stream with a shorter past.
    const goesOn = identity === held && state.last_seq >= seen;
    const make = () =>
      connection.manager.consumers.add(stream, {
        // Of a name, so that the request's subject says the filter, and can be permitted by it; and by chance, so that
        // nobody else can ask for what this consumer has.
        name: randomUUID(),
        filter_subject: filter,
        ack_policy: AckPolicy.None,
        inactive_threshold: nanos(inactiveMs),
        mem_storage: true,
        num_replicas: 1,
        ...(goesOn && seen > 0
          ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: seen + 1 }
          : { deliver_policy: DeliverPolicy.LastPerSubject }),
      });
    const remove = ({ name }: ConsumerInfo) => {
      if (connection.connected) connection.manager.consumers.delete(stream, name).catch(() => {});
    };
    const info = await connection.ask(`read ${stream}`, () => hedge(make, { ...making, discard: remove }));
    // A consumer ends with its stream, so if the name means the same before and after, this one reads that stream.
    const changed = async () =>
      (await reading.identify()) === identity ? undefined : `${stream} was removed or made anew`;
    const why = await changed();
    if (why !== undefined) throw new Error(why);

    if (!goesOn) {
      held = identity;
      seen = 0;
    }
    let delivered = 0;

    return {
      consumer: connection.jetstream.consumers.getConsumerFromInfo(info),
      batch,
      message(message) {
        const { deliverySequence, streamSequence } = message.info;
        if (deliverySequence !== delivered + 1) return `missed deliveries ${delivered + 1} to ${deliverySequence - 1}`;
        delivered = deliverySequence;
        if (streamSequence <= seen) return undefined;
        hand(() => reading.message(message));
        seen = streamSequence;
        return undefined;
      },
      check: changed,
      end: () => remove(info),
    };
  });
}
