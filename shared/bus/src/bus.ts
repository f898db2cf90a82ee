/** A message as it travels: text for people and programs, W3C trace context and message id beside it as headers. */
export type Message = {
  readonly subject: string;
  readonly text: string;
  /** W3C traceparent; absent where a sender had none. */
  readonly trace?: string;
};

/** One delivery from a stream's durable consumer. Exactly one of its three answers is to be given. */
export type Delivery = Message & {
  readonly sequence: number;
  /** 1 for the first time. */
  readonly attempt: number;
  /** It is dealt with. */
  ack(): void;
  /** Deliver it again, not before `delayMs`. */
  retry(delayMs: number): void;
};

/** An entry of a bucket. A deleted one has no text. */
export type BucketEntry = { readonly key: string; readonly text?: string; readonly revision: number };

/** Something that goes on until it is stopped. Stopping twice is harmless. */
export type Stoppable = { stop(): Promise<void> };

/** What whoever follows a bucket hears, in this order: `begin` (again with each new epoch), entries, `caughtUp`. */
export type BucketFollower = {
  /**
   * From here on entries are of this epoch, from the first on. Called again when the bucket was made anew, with another
   * epoch, or has lost its last writes, with the same.
   */
  begin(epoch: string): void;
  entry(entry: BucketEntry): void;
  /** Everything that was in the bucket when following began, or went on after a loss, has been handed over. */
  caughtUp(revision: number): void;
  /** Something may be missing from here on, until it has caught up again. */
  fellBehind?(): void;
};

/**
 * The key-value side. Writes are compare and swap: a conflict throws `RevisionConflict`, a bus that cannot answer
 * `BusUnavailable`, and one that refuses `NotPermitted`.
 */
export interface Bucket {
  get(key: string): Promise<BucketEntry | undefined>;
  /** Writes if the key's last revision is `revision` (0: if there is none, or it was deleted). Returns the new one. */
  put(key: string, text: string, revision: number): Promise<number>;
  /** Deletes if the key's last revision is `revision`. */
  delete(key: string, revision: number): Promise<void>;
  /** The revision of the bucket's last write; whoever follows and has heard it has heard all that was written before. */
  lastRevision(): Promise<number>;
  /**
   * Hands over every key's last entry, then each change, in the order of their revisions, none twice. It outlives
   * servers: silence, lost connections and a bucket made anew are noticed and followed from where it was.
   */
  follow(follower: BucketFollower): Stoppable;
}

/** The bus as services see it: NATS with JetStream, or its stand-in within one process. */
export interface Bus {
  /** Who this is on the bus, as its credentials say: the token of what it sends that names its sender. */
  readonly sender: string;
  /**
   * Makes the streams and buckets that are missing and returns the mesh bucket's epoch, a new one if it had to be made.
   * For deciders, which own them; may be called by several at once, and again after a loss.
   */
  provision(): Promise<string>;
  /** For deciders: what these tell is to be heard, whoever floods. */
  expect(senders: Iterable<string>): void;
  /** The mesh bucket's epoch; undefined while there is no bucket. */
  epoch(): Promise<string | undefined>;
  /**
   * Stores a message in its subject's stream; a message id seen within the stream's window is stored once.
   * @throws {BusUnavailable, NotPermitted, MessageTooLarge}
   */
  publish(message: Message, id: string): Promise<void>;
  /** Sends to whoever listens now; nothing is stored, nothing promised. */
  broadcast(message: Message): void;
  /** Hears what passes on a subject pattern from now on, whoever stores it. */
  subscribe(pattern: string, handle: (message: Message) => void): Stoppable;
  /**
   * Asks whoever answers on the subject now; nothing is stored.
   * @throws NobodyAnswers; AnswerLate after `limitMs`; AnswerFailed with the answerer's reason; MessageTooLarge,
   *   BusUnavailable
   */
  ask(subject: string, text: string, limitMs: number): Promise<string>;
  /** Answers what is asked on the subject. A failure of `handle` is told by its message, as is an answer too large. */
  answer(subject: string, handle: (text: string) => Promise<string>): Stoppable;
  /** Takes a share of a stream's durable consumer, made if it is missing. */
  consume(stream: string, durable: string, handle: (delivery: Delivery) => void): Stoppable;
  /** The sequence up to which the durable consumer has had everything acked. */
  ackFloor(stream: string, durable: string): Promise<number>;
  /** How many messages a stream holds; 0 where there is no such stream. */
  count(stream: string): Promise<number>;
  /** Hands over the last message on each subject of the pattern, then each new one. Outlives servers, as `follow`. */
  tail(stream: string, pattern: string, handle: (message: Message & { sequence: number }) => void): Stoppable;
  readonly mesh: Bucket;
  /** Tells, in one sentence each, when the bus is lost and found again. */
  onState(listener: (state: 'connected' | 'lost', detail: string) => void): void;
  /** Goes on by way of this one of its servers, where it is not on it: the one that it is on may know less. */
  goOnBy(server: string): void;
  close(): Promise<void>;
}

/** What a node needs of the bus. */
export type NodeBus = Pick<Bus, 'epoch' | 'publish' | 'subscribe' | 'answer' | 'onState' | 'goOnBy' | 'close'> & {
  readonly mesh: Pick<Bucket, 'follow'>;
};

/** The key was written by someone else since it was read. Read it again. */
export class RevisionConflict extends Error {
  readonly key: string;
  readonly revision: number;
  constructor(key: string, revision: number, options?: ErrorOptions) {
    super(`RevisionConflict: ${key} is no longer at revision ${revision}`, options);
    this.key = key;
    this.revision = revision;
  }
}

/** The bus did not answer, has no leader or lacks the stream or bucket. Nothing was changed, or it is not known. */
export class BusUnavailable extends Error {
  readonly operation: string;
  constructor(operation: string, options?: ErrorOptions) {
    super(`BusUnavailable: ${operation}`, options);
    this.operation = operation;
  }
}

/** The servers do not let this sender do it. Asking again does not help, until its credentials are others. */
export class NotPermitted extends Error {
  readonly operation: string;
  constructor(operation: string, options?: ErrorOptions) {
    super(`NotPermitted: ${operation}`, options);
    this.operation = operation;
  }
}
