import type { Message } from '../bus.ts';
import type { StreamShape } from '../streams.ts';
import type { Clock } from './clock.ts';
import { matches } from './subject.ts';

export type StoredMessage = Message & { readonly sequence: number; readonly atMs: number };

/** A stream's messages: bounded by age and bytes, each message id stored once within the window. */
export class MemoryStream {
  readonly shape: StreamShape;
  readonly #clock: Clock;
  #messages: StoredMessage[] = [];
  #lastSequence = 0;
  #bytes = 0;
  readonly #ids = new Map<string, number>();

  constructor(shape: StreamShape, clock: Clock) {
    this.shape = shape;
    this.#clock = clock;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Returns false where the id has been stored already. */
  store(message: Message, id: string): boolean {
    this.#discard();
    if (this.#ids.has(id)) return false;
    const atMs = this.#clock.nowMs();
    this.#ids.set(id, atMs);
    this.#lastSequence += 1;
    this.#messages.push({ ...message, sequence: this.#lastSequence, atMs });
    this.#bytes += message.text.length;
    this.#discard();
    return true;
  }

  /** What it still has behind a sequence, oldest first. */
  after(sequence: number, pattern = '>'): StoredMessage[] {
    this.#discard();
    return this.#messages.filter((message) => message.sequence > sequence && matches(pattern, message.subject));
  }

  /** The last message of each subject that fits, oldest first. */
  lastOfEach(pattern: string): StoredMessage[] {
    const last = new Map(this.after(0, pattern).map((message) => [message.subject, message.sequence]));
    return this.after(0, pattern).filter((message) => last.get(message.subject) === message.sequence);
  }

  #discard(): void {
    const nowMs = this.#clock.nowMs();
    for (const [id, atMs] of this.#ids) {
      if (nowMs - atMs < this.shape.dedupMs) break;
      this.#ids.delete(id);
    }
    for (;;) {
      const oldest = this.#messages[0];
      if (!oldest) return;
      if (nowMs - oldest.atMs < this.shape.ageMaxMs && this.#bytes <= this.shape.bytesMax) return;
      this.#messages.shift();
      this.#bytes -= oldest.text.length;
    }
  }
}
