import { randomUUID } from 'node:crypto';
import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { Delivery, Stoppable } from '../bus.ts';
import { attend } from './attend.ts';
import type { Connection } from './connection.ts';
import { consumerExists, hasCode, isConsumerMissing, isStreamMissing } from './failure.ts';
import { hand } from './hand.ts';
import { messageOf } from './message.ts';

/** What was delivered is delivered again when nothing is heard of it for so long; a decider's death costs this much. */
const ackWaitMs = 2_000;
/** Whoever still works on a delivery says so this often. */
const workingEveryMs = 800;
/** So many deliveries may be unanswered, over all who share the consumer; more are not handed out. */
const unansweredMax = 2000;
/** Asked for at a time: few enough that several who share a consumer all get some. */
const batch = 256;

/**
 * Metadata of the consumer that tells it from one made anew. Its time of creation does not: nats-server 2.10.27 gives
 * one some 0.2 ms later after a restart than before.
 */
const lifeKey = 'fairway.life';

/** Takes a share of a durable consumer, made where it is missing. */
export function consumeStream(
  connection: Connection,
  stream: string,
  durable: string,
  handle: (delivery: Delivery) => void,
): Stoppable {
  let life: ConsumerLife | undefined;
  return attend(connection, `consume ${stream}`, async () => {
    const info = await ensureDurable(connection, stream, durable);
    const id = info.config.metadata?.[lifeKey] ?? info.created;
    if (life?.id !== id) life = new ConsumerLife(id);
    const now = life;
    now.goOn();
    return {
      consumer: connection.jetstream.consumers.getConsumerFromInfo(info),
      batch,
      message(message) {
        hand(() => handle(deliveryOf(message, now)));
        return undefined;
      },
      end(stopped) {
        // Who stops taking still answers what it has.
        if (!stopped) now.hold();
      },
    };
  });
}

/**
 * One durable consumer from its making to its removal. An answer names a sequence only, and would count for whatever
 * has that sequence in a stream made anew; so while it is not known whether the consumer is still the same, answers are
 * held, and those to a consumer that is gone are never sent.
 */
class ConsumerLife {
  readonly id: string;
  #held: (() => void)[] | undefined;

  constructor(id: string) {
    this.id = id;
  }

  answer(send: () => void): void {
    if (this.#held) this.#held.push(send);
    else send();
  }

  /** Whether it is known to be there still. */
  get isSure(): boolean {
    return this.#held === undefined;
  }

  hold(): void {
    this.#held ??= [];
  }

  goOn(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const send of held ?? []) send();
  }
}

function deliveryOf(message: JsMsg, life: ConsumerLife): Delivery {
  let answered = false;
  const working = setInterval(() => {
    try {
      if (life.isSure) message.working();
    } catch {
      // The connection is closed for good: nothing more is said.
      clearInterval(working);
    }
  }, workingEveryMs).unref();
  const once = (send: () => void) => {
    if (answered) return;
    answered = true;
    clearInterval(working);
    life.answer(send);
  };
  return {
    ...messageOf(message),
    sequence: message.seq,
    attempt: message.info.deliveryCount,
    ack: () => once(() => message.ack()),
    retry: (delayMs) => once(() => message.nak(delayMs)),
  };
}

async function ensureDurable(connection: Connection, stream: string, durable: string): Promise<ConsumerInfo> {
  const { consumers } = connection.manager;
  const changeable = { ack_wait: nanos(ackWaitMs), max_ack_pending: unansweredMax } satisfies Partial<ConsumerConfig>;
  return connection.ask(`consume ${stream}`, async () => {
    const info = await consumers.info(stream, durable).catch(async (error) => {
      if (!isConsumerMissing(error)) throw error;
      const wanted = {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        metadata: { [lifeKey]: randomUUID() },
        ...changeable,
      };
      return consumers.add(stream, wanted).catch((refused) => {
        if (hasCode(refused, consumerExists)) return consumers.info(stream, durable);
        throw refused;
      });
    });
    const differs = Object.entries(changeable).some(
      ([key, value]) => info.config[key as keyof ConsumerConfig] !== value,
    );
    return differs ? consumers.update(stream, durable, changeable) : info;
  });
}

/** How many messages a stream holds. */
export function countOf(connection: Connection, stream: string): Promise<number> {
  return connection.ask(`count ${stream}`, async () => {
    try {
      return (await connection.manager.streams.info(stream)).state.messages;
    } catch (error) {
      if (isStreamMissing(error)) return 0;
      throw error;
    }
  });
}

/** The sequence up to which everything is acked: 0 where there is no such consumer yet. */
export async function ackFloorOf(connection: Connection, stream: string, durable: string): Promise<number> {
  return connection.ask(`look at ${durable} of ${stream}`, async () => {
    // The stream first: all that it has by then is among what the consumer says it has had, or has not.
    const { state } = await connection.manager.streams.info(stream);
    try {
      const { ack_floor, delivered, num_ack_pending, num_pending } = await connection.manager.consumers.info(
        stream,
        durable,
      );
      if (num_ack_pending > 0) return ack_floor.stream_seq;
      return Math.max(ack_floor.stream_seq, delivered.stream_seq, num_pending === 0 ? state.last_seq : 0);
    } catch (error) {
      if (isConsumerMissing(error)) return 0;
      throw error;
    }
  });
}
