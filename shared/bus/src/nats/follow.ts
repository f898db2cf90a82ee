import { setTimeout as pause } from 'node:timers/promises';
import { RepublishHeaders } from '@nats-io/jetstream';
import type { Msg, Subscription } from '@nats-io/nats-core';
import type { BucketEntry, BucketFollower, Stoppable } from '../bus.ts';
import { type Head, readHeadMessage } from '../head.ts';
import { keys } from '../keys.ts';
import { Unreadable } from '../parse-text.ts';
import { meshBucket } from '../streams.ts';
import { subjects } from '../subjects.ts';
import { announceEveryMs } from './announce.ts';
import { bucketEntry, bucketStream, bucketSubject, readHead } from './bucket-stream.ts';
import type { Connection } from './connection.ts';
import { reason } from './failure.ts';
import { hand } from './hand.ts';
import { placeOf, succeed } from './succession.ts';
import { walk } from './walk.ts';

const bucket = meshBucket;
/** So many entries are read before they are handed over. */
const walkMax = 1000;
/** So many are kept that come while others are read; what is beyond is read as well. */
const heldMax = 1000;
/** An entry may be on its way still when it is said that it was written. */
const onItsWayMs = 250;
/** Nobody says where the bucket stands: it is asked after this time, and then ever less often. */
const silentMsMin = 1.5 * announceEveryMs;
const silentMsMax = 10_000;
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
  /** By pattern, with who hears it. */
  readonly #ears = new Map<string, (message: Msg) => void>([
    [subjects.mesh('>'), (message) => this.#hearEntry(message)],
    [subjects.head('*'), (message) => this.#hearHead(message)],
  ]);
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #offState: () => void;
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
  /** What had been seen when it was last said where the bucket stands, a second ago or more. */
  #before = { seen: 0, atMs: Number.NEGATIVE_INFINITY };
  #saidUnreadable = false;

  constructor(connection: Connection, follower: BucketFollower) {
    this.#connection = connection;
    this.#follower = follower;
    this.#subscribe();
    this.#offState = connection.onState((state) => {
      this.#fallBehind();
      if (state === 'connected') this.#ask();
    });
    this.#listenForSilence();
    void this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#offState();
    clearTimeout(this.#onItsWay);
    clearTimeout(this.#silence);
    for (const one of this.#subscriptions.values()) if (!one.isClosed()) one.unsubscribe();
    this.#asked.resolve();
  }

  /** The client lets go of a subscription that was refused, though it may be permitted later. */
  #subscribe(): void {
    for (const [pattern, hear] of this.#ears) {
      if (this.#subscriptions.get(pattern)?.isClosed() === false) continue;
      const subscription = this.#connection.nc.subscribe(pattern, {
        callback: (error, message) => {
          if (this.#stopped) return;
          if (error) this.#connection.log?.warn(`subscribe ${pattern}: ${error.message}`);
          else hear(message);
        },
      });
      this.#subscriptions.set(pattern, subscription);
    }
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #fallBehind(): void {
    if (!this.#owesCaughtUp) hand(() => this.#follower.fellBehind?.());
    this.#owesCaughtUp = true;
  }

  /** Something is, or may be, missing. */
  #ask(): void {
    this.#fallBehind();
    this.#held ??= [];
    this.#asked.resolve();
  }

  #hearEntry(message: Msg): void {
    const entry = republished(message);
    if (entry) this.#hear(entry);
  }

  #hear(entry: BucketEntry): void {
    const anew = entry.key === keys.epoch && entry.text !== this.#epoch;
    const isLive = this.#held === undefined;
    if (!anew && isLive) {
      const place = placeOf(this.#seen, entry.revision);
      if (place === 'next') this.#take(entry);
      if (place !== 'gap') return;
    }
    this.#fallBehind();
    if (anew) {
      this.#anew = entry.text;
      // What came before is of another bucket, with the same numbers.
      this.#held = [];
    }
    // While something is read anyway, another round is for what cannot be held alone.
    this.#held ??= [];
    if (this.#held.length < heldMax) this.#held.push(entry);
    if (isLive || this.#held.length === heldMax) this.#asked.resolve();
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
    else if (revision < this.#before.seen) this.#ask();
    else if (revision > this.#seen) this.#expect(revision);
    const nowMs = performance.now();
    if (nowMs - this.#before.atMs >= announceEveryMs) this.#before = { seen: this.#seen, atMs: nowMs };
  }

  #expect(revision: number): void {
    this.#onItsWay ??= setTimeout(
      () => {
        this.#onItsWay = undefined;
        if (this.#seen < revision) this.#ask();
      },
      onItsWayMs * (1 + Math.random()),
    );
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
        trouble = await this.#catchUp();
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
      // Not all at the same moment here either.
      await pause(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  }

  /** Reads what is missing and takes what came meanwhile. Returns why that is not all there is, if so. */
  async #catchUp(): Promise<string | undefined> {
    const connection = this.#connection;
    this.#held ??= [];
    this.#anew = undefined;
    this.#subscribe();
    // Whatever is written from here on is heard.
    await connection.ask(`subscribe to ${bucket}`, () => connection.nc.flush());
    const head = await readHead(connection, bucket);
    if (!head) return 'not there yet, waiting for it';
    if (this.#stopped) return undefined;
    // A server that lost its last writes (power, no fsync) has the same bucket with a shorter past.
    if (head.epoch !== this.#epoch || head.revision < this.#seen) {
      this.#epoch = head.epoch;
      this.#seen = 0;
      this.#held = [];
      this.#before = { seen: 0, atMs: performance.now() };
      this.#owesCaughtUp = true;
      hand(() => this.#follower.begin(head.epoch));
    }
    let needed = head.revision;
    for (let more = this.#seen < head.revision; more; ) {
      const entries = await walk(connection, bucket, this.#seen, head.revision, walkMax);
      const after = await readHead(connection, bucket);
      // If the bucket is the same one before and after, this was read from it.
      if (after?.epoch !== head.epoch) return `${bucket} was removed or made anew`;
      // What was overwritten before it could be read is in what came later, which may be on its way still.
      if ((entries.at(-1)?.revision ?? 0) > head.revision) needed = after.revision;
      for (const entry of entries) {
        if (this.#stopped) return undefined;
        this.#take(entry);
      }
      more = this.#seen < head.revision && entries.length === walkMax;
    }
    if (this.#anew !== undefined && this.#anew !== head.epoch) return `${bucket} was made anew`;
    const { next, gap } = succeed(this.#seen, this.#held);
    for (const entry of next) {
      if (this.#stopped) return undefined;
      this.#take(entry);
    }
    this.#held = [];
    if (gap || this.#seen < needed) return 'not all of it was read';
    if (this.#stopped) return undefined;
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

/**
 * The entry that a server says again; undefined for what is none of the bucket's. Nobody may send on these subjects, but
 * JetStream sends its answers wherever the asker says.
 */
function republished(message: Msg): BucketEntry | undefined {
  const key = message.subject.slice(prefixLength);
  const revision = Number(message.headers?.get(RepublishHeaders.Sequence));
  const isOfBucket =
    message.headers?.get(RepublishHeaders.Stream) === bucketStream(bucket) &&
    message.headers.get(RepublishHeaders.Subject) === bucketSubject(bucket, key);
  return isOfBucket && Number.isSafeInteger(revision) && revision > 0 ? bucketEntry(key, revision, message) : undefined;
}
