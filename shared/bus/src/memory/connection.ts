import { BusUnavailable, type Message } from '../bus.ts';
import { MessageTooLarge } from '../message-too-large.ts';
import type { MemoryServer } from './server.ts';

type State = 'connected' | 'lost';

/** As nats-server's default, less what subject and headers take. */
const payloadBytesMax = 1024 * 1024 - 512;
/** How long an operation without a connection waits for one. */
const patienceMs = 100;
const lostMsMaxDefault = 500;

/** One service's connection to the stand-in; it can be lost without the others'. */
export class MemoryConnection {
  readonly server: MemoryServer;
  connected = true;
  closed = false;
  readonly #listeners = new Set<(state: State, detail: string) => void>();

  constructor(server: MemoryServer) {
    this.server = server;
  }

  onState(listener: (state: State, detail: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  lose(forMs?: number): void {
    if (this.closed) return;
    if (this.connected) this.#tell('lost', 'lost the stand-in; trying to connect again');
    if (forMs !== undefined) this.server.clock.after(forMs, () => this.find());
  }

  find(): void {
    if (!this.connected && !this.closed) this.#tell('connected', 'connected to the stand-in again');
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
    const { server } = this;
    await this.#late();
    if (server.chance.happens(server.faults.lost ?? 0)) {
      this.lose(1 + server.chance.upTo(server.faults.lostMsMax ?? lostMsMaxDefault));
    }
    if (!this.connected) await new Promise<void>((resolve) => void server.clock.after(patienceMs, resolve));
    this.#requireConnected(operation);
    const answer = work();
    if (server.faults.lateMsMax) await this.#late();
    this.#requireConnected(operation);
    return answer;
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
    if (this.connected) this.server.pass(message);
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
        work();
      });
    };
  }

  #late(): Promise<void> {
    const { clock, chance, faults } = this.server;
    return new Promise((resolve) => void clock.after(chance.upTo(faults.lateMsMax ?? 0), resolve));
  }

  #requireConnected(operation: string): void {
    if (!this.connected) throw new BusUnavailable(operation, { cause: new Error('not connected') });
  }

  #tell(state: State, detail: string): void {
    this.connected = state === 'connected';
    for (const listener of [...this.#listeners]) listener(state, detail);
  }
}
