import { BusUnavailable, type Message } from '../bus.ts';
import { MessageTooLarge } from '../message-too-large.ts';
import { Half } from './half.ts';
import type { MemoryServer } from './server.ts';

type State = 'connected' | 'lost';

/** As nats-server's default, less what subject and headers take. */
const payloadBytesMax = 1024 * 1024 - 512;
/** How long an operation without a connection waits for one. */
const patienceMs = 100;
const lostMsMaxDefault = 500;
/** How long an operation waits for its answer, where only one direction carries. */
const answerMsMax = 3_000;
/** A client whose pings nobody answers takes its connection for lost after about so long (`nats/connection.ts`). */
const unansweredMsMax = 5_000;

/** One service's connection to the stand-in; it can be lost without the others'. */
export class MemoryConnection {
  readonly server: MemoryServer;
  connected = true;
  closed = false;
  /** What it says, on its way to the server. */
  readonly outward = new Half();
  /** What it is told. */
  readonly inward = new Half();
  /** Whether its server is among the majority: the others pass messages among themselves, and have nothing else. */
  hasQuorum = true;
  /** One direction was cut: until it is mended there is no other connection either. */
  #cut = false;
  /** Ends the wait for answers to its pings. */
  #endAwaiting = () => {};
  readonly #listeners = new Set<(state: State, detail: string) => void>();

  constructor(server: MemoryServer) {
    this.server = server;
  }

  onState(listener: (state: State, detail: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether it has what the servers store. */
  get isServed(): boolean {
    return this.connected && this.hasQuorum;
  }

  lose(forMs?: number): void {
    if (this.closed) return;
    this.#endAwaiting();
    for (const half of [this.outward, this.inward]) half.forget();
    if (this.connected) this.#tell('lost', 'lost the stand-in; trying to connect again');
    if (forMs !== undefined) this.server.clock.after(forMs, () => this.find());
  }

  find(): void {
    if (!this.connected && !this.closed && !this.#cut) this.#tell('connected', 'connected to the stand-in again');
  }

  /** One direction carries nothing; what is under way waits for as long as the connection seems to be there. */
  cutHalf(half: 'outward' | 'inward'): void {
    if (this.closed) return;
    this.#cut = true;
    this[half].shut();
    this.#endAwaiting();
    this.#endAwaiting = this.server.clock.after(unansweredMsMax, () => this.lose());
  }

  /** Whatever was cut of it is there again. */
  mend(): void {
    this.#cut = false;
    this.#endAwaiting();
    this.find();
    for (const half of [this.outward, this.inward]) half.open();
    if (this.hasQuorum) return;
    this.hasQuorum = true;
    this.server.changed();
  }

  close(): void {
    if (this.connected) this.#tell('lost', 'closed');
    this.closed = true;
  }

  /** Sizes are those of NATS, so that what is too large there is too large here. @throws {MessageTooLarge} */
  requireSize(subject: string, text: string): void {
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > payloadBytesMax) throw new MessageTooLarge(subject, sizeBytes, payloadBytesMax);
  }

  /**
   * Asks the server: the request and its answer are each late by themselves, and either may be lost with the
   * connection. @throws {BusUnavailable}
   */
  async ask<T>(operation: string, work: () => T): Promise<T> {
    await this.reach(operation, () => this.isServed);
    const answer = this.outward.isShut || this.inward.isShut ? await this.#askThrough(operation, work) : work();
    if (this.server.faults.lateMsMax) await this.late();
    this.#require(this.isServed, operation);
    return answer;
  }

  /** Takes a question as far as the connection, which may be lost with it. @throws {BusUnavailable} where it is not there */
  async reach(operation: string, isThere: () => boolean): Promise<void> {
    const { clock, chance, faults } = this.server;
    await this.late();
    if (chance.happens(faults.lost ?? 0)) this.lose(1 + chance.upTo(faults.lostMsMax ?? lostMsMaxDefault));
    if (!isThere()) await new Promise<void>((resolve) => void clock.after(patienceMs, resolve));
    this.#require(isThere(), operation);
  }

  /** Asks where one direction is shut: what was asked for may be done long after nobody waits for it any more. */
  #askThrough<T>(operation: string, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.server.clock.after(answerMsMax, () =>
        reject(new BusUnavailable(operation, { cause: new Error('no answer') })),
      );
      const answer = (tell: () => void) =>
        this.inward.pass(() => {
          cancel();
          tell();
        });
      this.outward.pass(() => {
        try {
          const done = work();
          answer(() => resolve(done));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  /** As `ask`, for what writes: it may fail by itself, before or after it was written. */
  write<T>(operation: string, work: () => T): Promise<T> {
    return this.ask(operation, () => {
      const { chance, faults } = this.server;
      if (!chance.happens(faults.failed ?? 0)) return work();
      if (chance.happens(0.5)) work();
      throw new BusUnavailable(operation, { cause: new Error('the answer was lost') });
    });
  }

  /** Sends a message to whoever listens; without a connection it is lost. */
  send(message: Message): void {
    if (this.connected) this.outward.pass(() => this.server.pass(message, this));
  }

  /** Runs `work` once for any number of calls before it runs, some time later. */
  later(work: () => void): () => void {
    let due = false;
    return () => {
      if (due) return;
      due = true;
      const { clock, chance, faults } = this.server;
      clock.after(chance.upTo(faults.lateMsMax ?? 0), () => {
        due = false;
        this.inward.pass(work);
      });
    };
  }

  /** As late as anything that arrives. */
  late(): Promise<void> {
    const { clock, chance, faults } = this.server;
    return new Promise((resolve) => void clock.after(chance.upTo(faults.lateMsMax ?? 0), resolve));
  }

  #require(isThere: boolean, operation: string): void {
    if (isThere) return;
    throw new BusUnavailable(operation, { cause: new Error(this.connected ? 'no leader' : 'not connected') });
  }

  #tell(state: State, detail: string): void {
    this.connected = state === 'connected';
    for (const listener of [...this.#listeners]) listener(state, detail);
  }
}
