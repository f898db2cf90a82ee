import { setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RepublishHeaders,
} from '@nats-io/jetstream';
import { type Msg, nanos } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { keySubject, republishedSubject, stream } from './bucket.ts';
import { type Placed, placeOf, succeed } from './succession.ts';
import type { Hearing, Watcher } from './watcher.ts';

type Entry = Placed & { readonly key: string; readonly text: string };

const batch = 1000;
const inactiveMs = 10_000;
const fetchMaxMs = 3_000;
/** The last message of all may be missed, and none after it shows that. As often as an ordered reading is checked. */
const checkEveryMs = 10_000;
const pauseMs = 200;
/** So many entries are held while catching up; what is beyond them is a gap, and caught up with after it. */
const heldMax = 1_000;

/** A plain subscription to what the bucket's stream says again, and a consumer only while something is missing. */
export async function connectRepublished(servers: readonly string[], name: string): Promise<Watcher> {
  // As shared/bus connects, so that a lost server is noticed and found again alike.
  const nc = await connect({
    servers: [...servers],
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 2000,
    maxPingOut: 2,
  });
  const manager = await jetstreamManager(nc, { checkAPI: false });
  return { follow: (hearing) => void new Reading(nc, manager, hearing).begin() };
}

class Reading {
  readonly #nc: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #jetstream: JetStreamClient;
  readonly #hearing: Hearing;
  #seen = 0;
  /** What the stream had at the last check. */
  #owed = 0;
  /** What came live while it catches up; undefined while nothing is missing. */
  #held: Entry[] | undefined;

  constructor(nc: NatsConnection, manager: JetStreamManager, hearing: Hearing) {
    this.#nc = nc;
    this.#manager = manager;
    this.#jetstream = jetstream(nc);
    this.#hearing = hearing;
  }

  async begin(): Promise<void> {
    this.#nc.subscribe(republishedSubject('>'), {
      callback: (error, message) => {
        if (!error) this.#live(republishedEntry(message));
      },
    });
    setInterval(() => void this.#check(), checkEveryMs);
    void this.#catchUp();
    for await (const { type } of this.#nc.status()) if (type === 'reconnect') void this.#catchUp();
  }

  #live(entry: Entry): void {
    if (this.#held) {
      if (this.#held.length < heldMax) this.#held.push(entry);
      return;
    }
    const place = placeOf(this.#seen, entry.sequence);
    if (place === 'next') this.#take(entry);
    else if (place === 'gap') void this.#catchUp();
  }

  #take({ key, sequence }: Entry): void {
    this.#seen = sequence;
    this.#hearing.entry(key, sequence);
  }

  async #check(): Promise<void> {
    // What the stream has just now may be on its way.
    if (this.#owed > this.#seen) void this.#catchUp();
    const info = await this.#manager.streams.info(stream).catch(() => undefined);
    this.#owed = info?.state.last_seq ?? 0;
  }

  /** Until what came live follows on what was read. Tried again for as long as there is trouble. */
  async #catchUp(): Promise<void> {
    if (this.#held) return;
    this.#held = [];
    for (let complete = false; !complete; ) {
      try {
        await this.#read();
        const { next, gap } = succeed(this.#seen, this.#held);
        for (const entry of next) this.#take(entry);
        this.#held = [];
        complete = !gap;
      } catch {
        await pause(pauseMs);
      }
    }
    this.#held = undefined;
    this.#hearing.caughtUp();
  }

  /** Reads what the stream has behind the last sequence seen, by a consumer for just that. */
  async #read(): Promise<void> {
    const info = await this.#manager.consumers.add(stream, {
      filter_subject: keySubject('>'),
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(inactiveMs),
      mem_storage: true,
      num_replicas: 1,
      ...(this.#seen > 0
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#seen + 1 }
        : { deliver_policy: DeliverPolicy.LastPerSubject }),
    });
    const consumer = this.#jetstream.consumers.getConsumerFromInfo(info);
    for (let left = info.num_pending; left > 0; ) {
      const messages = await consumer.fetch({ max_messages: Math.min(left, batch), expires: fetchMaxMs });
      let heard = false;
      for await (const message of messages) {
        heard = true;
        left = message.info.pending;
        const entry = storedEntry(message);
        if (entry.sequence > this.#seen) this.#take(entry);
      }
      if (!heard) throw new Error('nothing was heard of what is pending');
    }
    void this.#manager.consumers.delete(stream, info.name).catch(() => {});
  }
}

const keyAt = republishedSubject('').length;
const storedKeyAt = keySubject('').length;

function republishedEntry(message: Msg): Entry {
  const sequence = Number(message.headers?.get(RepublishHeaders.Sequence));
  return { key: message.subject.slice(keyAt), sequence, text: message.string() };
}

function storedEntry(message: JsMsg): Entry {
  return { key: message.subject.slice(storedKeyAt), sequence: message.seq, text: message.string() };
}
