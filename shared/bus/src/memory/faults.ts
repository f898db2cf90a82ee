/** What the stand-in does to those who use it. Probabilities are from 0 to 1; nothing happens where none is given. */
export type MemoryFaults = {
  /**
   * The most that an answer, a delivery or a follower's news is late, ms. Each is late by itself, so deliveries
   * overtake each other; what one follower or one tail hears stays in order.
   */
  readonly lateMsMax?: number;
  /** A delivery of a durable consumer is late by up to `straggleMsMax`, long after others that were sent behind it. */
  readonly straggle?: number;
  readonly straggleMsMax?: number;
  /** A delivery of a durable consumer comes a second time although it may be acked. */
  readonly doubled?: number;
  /** An ack is lost on its way, and the delivery comes again. */
  readonly ackLost?: number;
  /** A write or a publication fails with `BusUnavailable`; half of these have been stored all the same. */
  readonly failed?: number;
  /** A write meets `RevisionConflict` although nobody else has written. */
  readonly conflict?: number;
  /** With each operation: this connection is lost, for up to `lostMsMax`. */
  readonly lost?: number;
  readonly lostMsMax?: number;
};

/** All of them, often enough that a few hundred operations meet every one. */
export const roughly: MemoryFaults = {
  lateMsMax: 30,
  doubled: 0.1,
  ackLost: 0.05,
  failed: 0.1,
  conflict: 0.05,
  lost: 0.02,
  lostMsMax: 500,
};
