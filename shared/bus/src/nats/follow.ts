import { setTimeout as pause } from 'node:timers/promises';
import { RepublishHeaders } from '@nats-io/jetstream';
import type { Msg, Subscription } from '@nats-io/nats-core';
import type { BucketEntry, BucketFollower, Stoppable } from '../bus.ts';
import { type Head, readHeadMessage } from '../head.ts';
import { keys } from '../keys.ts';
import { Unreadable } from '../parse-text.ts';
import { buckets } from '../streams.ts';
import { subjects } from '../subjects.ts';
import { announceEveryMs } from './announce.ts';
import { bucketEntry, readEpoch, readHead } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { reason } from './failure.ts';
import { hand } from './hand.ts';
import { placeOf, succeed } from './succession.ts';
import { walk } from './walk.ts';

const bucket = buckets.mesh;
/** So many entries are read before they are handed over. */
const walkMax = 1000;
/** So many are kept that come while others are read; what is beyond is read as well. */
const heldMax = 1000;
/** An entry may be on its way still when it is said that it was written. */
const onItsWayMs = 250;
/** Nobody says where the bucket stands: it is asked after this time, and then ever less often. */
const silentMsMin = 1.5 * announceEveryMs;
const silentMsMax = 10_000;
/** Whoever says less than what was heard may just be late, so that is not looked into more often than this. */
const doubtEveryMs = 10_000;
const pauseMsMin = 20;
const pauseMsMax = 1000;

/** Follows the mesh bucket across the ends of servers, and of the bucket (decision 0009). */
export function followMesh(connection: Connection, follower: BucketFollower): Stoppable {
  return new Following(connection, follower);
}

/**
 * What is written is said again by the server, on plain subjects with the entry's revision. Whatever was not heard shows
 * as a gap between revisions, by the word of deciders about where the bucket stands, or by their silence; it is then read
 * from the stream, while what comes live is held back.
 */
class Following implements Stoppable {
  readonly #connection: Connection;
  readonly #follower: BucketFollower;
  readonly #stopping = new AbortController();
  readonly #stopped = new Promise<undefined>((resolve) => {
    this.#stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  readonly #subscriptions: readonly Subscription[];
  readonly #offState: () => void;
  readonly #done: Promise<void>;
  #epoch: string | undefined;
  /** Everything up to this revision has been handed over. */
  #seen = 0;
  /** What came live since it was noticed that something is missing; undefined while nothing is. */
  #held: BucketEntry[] | undefined = [];
  /** Another epoch that came live while something was missing. */
  #anew: string | undefined;
  /** Whether the follower is to be told once nothing is missing. */
  #owesCaughtUp = true;
  #asked = Promise.withResolvers<void>();
  #onItsWay: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #silentMs = silentMsMin;
  #doubtedMs = Number.NEGATIVE_INFINITY;
  #saidUnreadable = false;

  constructor(connection: Connection, follower: BucketFollower) {
    this.#connection = connection;
    this.#follower = follower;
    this.#subscriptions = [
      this.#subscribe(subjects.mesh('>'), (message) => this.#hear(republished(message))),
      this.#subscribe(subjects.head('*'), (message) => this.#hearHead(message)),
    ];
    this.#offState = connection.onState((state) => {
      this.#owesCaughtUp = true;
      if (state === 'connected') this.#ask();
    });
    this.#listenForSilence();
    this.#done = this.#run();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    this.#offState();
    clearTimeout(this.#onItsWay);
    clearTimeout(this.#silence);
    for (const one of this.#subscriptions) if (!one.isClosed()) one.unsubscribe();
    this.#asked.resolve();
    return this.#done;
  }

  #subscribe(pattern: string, hear: (message: Msg) => void): Subscription {
    return this.#connection.nc.subscribe(pattern, {
      callback: (error, message) => {
        if (this.#stopping.signal.aborted) return;
        if (error) this.#connection.log?.warn(`subscribe ${pattern}: ${error.message}`);
        else hear(message);
      },
    });
  }

  /** Something is, or may be, missing. */
  #ask(): void {
    this.#held ??= [];
    this.#asked.resolve();
  }

  #hear(entry: BucketEntry): void {
    const anew = entry.key === keys.epoch && entry.text !== this.#epoch;
    if (!anew && !this.#held) {
      const place = placeOf(this.#seen, entry.revision);
      if (place === 'next') this.#take(entry);
      if (place !== 'gap') return;
    }
    if (anew) {
      this.#anew = entry.text;
      // What came before is of another bucket, with the same numbers.
      this.#held = [];
    }
    this.#ask();
    if (this.#held && this.#held.length < heldMax) this.#held.push(entry);
  }

  /** A word that cannot be read is a newer decider's, and counts as silence. */
  #hearHead(message: Msg): void {
    try {
      this.#compare(readHeadMessage({ subject: message.subject, text: message.string() }));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      if (!this.#saidUnreadable) this.#connection.log?.warn(error.message);
      this.#saidUnreadable = true;
    }
  }

  #compare({ epoch, revision }: Head): void {
    this.#silentMs = silentMsMin;
    this.#listenForSilence();
    if (this.#held) return;
    if (epoch !== this.#epoch) this.#ask();
    else if (revision < this.#seen) this.#doubt();
    else if (revision > this.#seen) this.#expect(revision);
  }

  #doubt(): void {
    if (performance.now() - this.#doubtedMs < doubtEveryMs) return;
    this.#doubtedMs = performance.now();
    this.#ask();
  }

  #expect(revision: number): void {
    this.#onItsWay ??= setTimeout(() => {
      this.#onItsWay = undefined;
      if (this.#seen < revision) this.#ask();
    }, onItsWayMs);
  }

  /** Not all at the same moment: half as long again at most. */
  #listenForSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(
      () => {
        this.#silentMs = Math.min(this.#silentMs * 2, silentMsMax);
        this.#ask();
        this.#listenForSilence();
      },
      this.#silentMs * (1 + Math.random() / 2),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const log = this.#connection.log;
    const name = `follow ${bucket}`;
    let pauseMs = pauseMsMin;
    let said: string | undefined;
    while (!signal.aborted) {
      this.#asked = Promise.withResolvers();
      let trouble: string | undefined;
      try {
        await this.#connection.ready(signal);
        // Whoever stops need not wait for an answer that may not come.
        trouble = await Promise.race([this.#catchUp(), this.#stopped]);
      } catch (error) {
        trouble = reason(error);
      }
      if (signal.aborted) return;
      if (trouble === undefined) {
        if (said !== undefined) log?.info(`${name}: found again`);
        said = undefined;
        pauseMs = pauseMsMin;
        await this.#asked.promise;
        continue;
      }
      if (trouble !== said) log?.warn(`${name}: ${trouble}`);
      said = trouble;
      await pause(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  }

  /** Reads what is missing and takes what came meanwhile. Returns why that is not all there is, if so. */
  async #catchUp(): Promise<string | undefined> {
    const connection = this.#connection;
    const stopped = () => this.#stopping.signal.aborted;
    this.#held ??= [];
    this.#anew = undefined;
    // Whatever is written from here on is heard.
    await connection.ask(`subscribe to ${bucket}`, () => connection.nc.flush());
    const head = await readHead(connection, bucket);
    if (!head) return 'not there yet, waiting for it';
    if (stopped()) return undefined;
    // A server that lost its last writes (power, no fsync) has the same bucket with a shorter past.
    if (head.epoch !== this.#epoch || head.revision < this.#seen) {
      this.#epoch = head.epoch;
      this.#seen = 0;
      this.#held = [];
      this.#owesCaughtUp = true;
      hand(() => this.#follower.begin(head.epoch));
    }
    for (let more = this.#seen < head.revision; more; ) {
      const entries = await walk(connection, bucket, this.#seen, walkMax);
      // If the bucket is the same one before and after, this was read from it.
      if ((await readEpoch(connection, bucket)) !== head.epoch) return `${bucket} was removed or made anew`;
      if (entries.some(({ key, text }) => key === keys.epoch && text !== head.epoch))
        return `a server has not heard yet that ${bucket} was made anew`;
      for (const entry of entries) {
        if (stopped()) return undefined;
        this.#take(entry);
      }
      more = entries.length === walkMax;
    }
    if (this.#anew !== undefined && this.#anew !== head.epoch) return `${bucket} was made anew`;
    const { next, gap } = succeed(this.#seen, this.#held);
    for (const entry of next) {
      if (stopped()) return undefined;
      this.#take(entry);
    }
    this.#held = [];
    if (gap || this.#seen < head.revision) return 'a server answered that is behind';
    this.#held = undefined;
    if (this.#owesCaughtUp) {
      this.#owesCaughtUp = false;
      hand(() => this.#follower.caughtUp(this.#seen));
    }
    return undefined;
  }

  #take(entry: BucketEntry): void {
    this.#seen = entry.revision;
    hand(() => this.#follower.entry(entry));
  }
}

const prefixLength = subjects.mesh('').length;

function republished(message: Msg): BucketEntry {
  const revision = Number(message.headers?.get(RepublishHeaders.Sequence));
  return bucketEntry(message.subject.slice(prefixLength), revision, message);
}
