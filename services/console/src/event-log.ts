import type { EventLine } from '@fairway/mesh';

/** So many lines are kept for who comes later, and so many for a listener that does not keep up. */
const keptMax = 1_000;
const waitingMax = 1_000;

/** The last lines, and those who hear the next ones. */
export class EventLog {
  readonly #nowMs: () => number;
  readonly #listeners = new Set<Listener>();
  #kept: readonly EventLine[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(line: EventLine): void {
    this.#kept = [...this.#kept, line].slice(-keptMax);
    for (const listener of this.#listeners) listener.hear(line);
  }

  /** The last lines as text, one JSON object each. */
  get text(): string {
    return this.#kept.map(show).join('');
  }

  /** The last lines and then each new one, as text. A reader that does not keep up loses the oldest, and is told. */
  follow(): ReadableStream<Uint8Array> {
    const listener = new Listener(this.#kept, this.#nowMs);
    this.#listeners.add(listener);
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const text = await listener.next();
          if (text === undefined) controller.close();
          else controller.enqueue(encoder.encode(text));
        },
        cancel: () => {
          this.#listeners.delete(listener);
          listener.end();
        },
      },
      // Nothing is taken ahead of the reader: what waits, waits in the listener, where it is bounded.
      { highWaterMark: 0 },
    );
  }

  /** Ends all who follow, after what they have yet to read. */
  close(): void {
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }
}

class Listener {
  readonly #nowMs: () => number;
  #waiting: EventLine[];
  #missed = 0;
  #ended = false;
  #wake = () => {};

  constructor(kept: readonly EventLine[], nowMs: () => number) {
    this.#waiting = [...kept];
    this.#nowMs = nowMs;
  }

  hear(line: EventLine): void {
    this.#waiting.push(line);
    if (this.#waiting.length > waitingMax) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What waits, or the next line; undefined at the end. */
  async next(): Promise<string | undefined> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#waiting.length === 0) return undefined;
    const gap: EventLine = { kind: 'gap', atMs: this.#nowMs(), what: `${this.#missed} lines are missing` };
    const lines = this.#missed > 0 ? [gap, ...this.#waiting] : this.#waiting;
    this.#waiting = [];
    this.#missed = 0;
    return lines.map(show).join('');
  }
}

function show(line: EventLine): string {
  return `${JSON.stringify(line)}\n`;
}
