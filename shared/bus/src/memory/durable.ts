import type { Delivery } from '../bus.ts';
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import type { MemoryFaults } from './faults.ts';
import type { MemoryStream, StoredMessage } from './stream.ts';

/** Someone who takes deliveries while `listening`. */
export type Taker = { readonly listening: () => boolean; readonly take: (delivery: Delivery) => void };

/** As on NATS: what is not answered for so long is delivered again, and no more than so many are out at once. */
const ackWaitMs = 2_000;
const unansweredMax = 2000;

type Unanswered = {
  readonly message: StoredMessage;
  attempt: number;
  /** Nobody was there to take it. */
  waiting: boolean;
  cancel: () => void;
};

/** The durable consumer of a stream, shared by all its takers. */
export class MemoryDurable {
  readonly #stream: MemoryStream;
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #faults: () => MemoryFaults;
  readonly #takers = new Set<Taker>();
  readonly #unanswered = new Map<number, Unanswered>();
  #delivered = 0;
  #turn = 0;
  #removed = false;

  constructor(stream: MemoryStream, clock: Clock, chance: Chance, faults: () => MemoryFaults) {
    this.#stream = stream;
    this.#clock = clock;
    this.#chance = chance;
    this.#faults = faults;
  }

  /** Everything up to here is acked. */
  get ackFloor(): number {
    const [first] = this.#unanswered.keys();
    if (first !== undefined) return first - 1;
    return this.#stream.after(this.#delivered).length === 0 ? this.#stream.lastSequence : this.#delivered;
  }

  join(taker: Taker): () => void {
    this.#takers.add(taker);
    this.deliver();
    return () => this.#takers.delete(taker);
  }

  /** Hands out what is new and what found nobody, as far as there is anyone to take it. */
  deliver(): void {
    if (this.#removed || !this.#hasTaker()) return;
    for (const [sequence, held] of this.#unanswered) if (held.waiting) this.#send(sequence, 0);
    for (const message of this.#stream.after(this.#delivered)) {
      if (this.#unanswered.size >= unansweredMax) return;
      this.#delivered = message.sequence;
      this.#unanswered.set(message.sequence, { message, attempt: 0, waiting: false, cancel: () => {} });
      this.#send(message.sequence, 0);
    }
  }

  /** The stream is gone: nothing more is delivered, and answers count for nothing. */
  remove(): void {
    this.#removed = true;
    for (const { cancel } of this.#unanswered.values()) cancel();
    this.#unanswered.clear();
  }

  #hasTaker(): boolean {
    return [...this.#takers].some((taker) => taker.listening());
  }

  #send(sequence: number, delayMs: number): void {
    const held = this.#unanswered.get(sequence);
    if (!held) return;
    held.cancel();
    held.waiting = false;
    const { lateMsMax = 0, straggle = 0, straggleMsMax = 0 } = this.#faults();
    const lateMs = this.#chance.upTo(this.#chance.happens(straggle) ? straggleMsMax : lateMsMax);
    held.cancel = this.#clock.after(delayMs + lateMs, () => {
      held.cancel = this.#clock.after(ackWaitMs, () => this.#send(sequence, 0));
      this.#handOver(held);
      if (this.#chance.happens(this.#faults().doubled ?? 0)) this.#handOver(held);
    });
  }

  #handOver(held: Unanswered): void {
    const listening = [...this.#takers].filter((taker) => taker.listening());
    const taker = listening[this.#turn++ % Math.max(listening.length, 1)];
    if (!taker) {
      // It goes to the next who comes, who need not wait until an answer is overdue.
      held.cancel();
      held.waiting = true;
      return;
    }
    held.attempt += 1;
    taker.take(this.#deliveryOf(held));
  }

  #deliveryOf(held: Unanswered): Delivery {
    const { atMs: _, ...message } = held.message;
    const { sequence } = message;
    let answered = false;
    const once = (answer: () => void) => {
      if (answered) return;
      answered = true;
      if (this.#unanswered.get(sequence) === held) answer();
    };
    return {
      ...message,
      attempt: held.attempt,
      ack: () =>
        once(() => {
          if (this.#chance.happens(this.#faults().ackLost ?? 0)) return;
          held.cancel();
          this.#unanswered.delete(sequence);
          this.deliver();
        }),
      retry: (delayMs) => once(() => this.#send(sequence, delayMs)),
    };
  }
}
