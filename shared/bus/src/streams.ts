import { subjects } from './subjects.ts';

/** What a JetStream stream keeps. All of them drop their oldest messages at the bound, and none ever fills a disk. */
export type StreamShape = {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly ageMaxMs: number;
  readonly bytesMax: number;
  /** Within this window a message id is stored once. */
  readonly dedupMs: number;
  /** So many may read it on their own at once, each with a consumer: who makes them without end comes to one there. */
  readonly consumersMax?: number;
};

const minuteMs = 60_000;
const mebibyte = 1024 * 1024;

/** Facts wait here for deciders. Their age bounds how long a tombstone must stay (`tombstoneMs`). */
export const factStream: StreamShape = {
  name: 'FAIRWAY_FACTS',
  subjects: [subjects.facts],
  ageMaxMs: 15 * minuteMs,
  bytesMax: 256 * mebibyte,
  dedupMs: 2 * minuteMs,
};

export const outcomeStream: StreamShape = {
  name: 'FAIRWAY_OUTCOMES',
  subjects: [subjects.outcomes],
  ageMaxMs: 24 * 60 * minuteMs,
  bytesMax: 256 * mebibyte,
  dedupMs: 2 * minuteMs,
  // Each console has one.
  consumersMax: 100,
};

export const deadLetterStream: StreamShape = {
  name: 'FAIRWAY_DEAD',
  subjects: [subjects.deadLetters],
  ageMaxMs: 7 * 24 * 60 * minuteMs,
  bytesMax: 16 * mebibyte,
  dedupMs: 2 * minuteMs,
};

export const streams = [factStream, outcomeStream, deadLetterStream] as const;

/** The durable consumer that all deciders share. */
export const deciderConsumer = 'decider';

/** How long an entry of something deleted stays: longer than any fact about it can still be on its way. */
export const tombstoneMs = 2 * factStream.ageMaxMs;

/** The key-value bucket of the mesh. */
export const meshBucket = 'fairway-mesh';
