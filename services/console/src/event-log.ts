import type { EventLine } from '@fairway/mesh';

/** So many lines are kept for who comes later, and so many for a listener that does not keep up. */
const keptMax = 1_000;
const waitingMax = 1_000;

/** The last lines, and those who hear the next ones. */
export class EventLog {
  readonly #nowMs: () => number;
  readonly #listeners = new Set<Listener>();
  #kept: readonly EventLine[] = [];
  #closed = false;

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

  /** Says to each who follows, and has heard all, that this is still there. */
  beat(): void {
    for (const listener of this.#listeners) listener.beat();
  }

  /**
   * The last lines and then each new one, as text, and an empty line where a beat finds nothing new. A reader that does
   * not keep up loses the oldest, and is told. Nothing is kept for one that never reads, as the asker of a HEAD.
   */
  follow(): ReadableStream<Uint8Array> {
    let listener: Listener | undefined;
    const listen = () => {
      const begun = new Listener(this.#kept, this.#nowMs);
      if (this.#closed) begun.end();
      else this.#listeners.add(begun);
      return begun;
    };
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          listener ??= listen();
          const text = await listener.next();
          if (text === undefined) controller.close();
          else controller.enqueue(encoder.encode(text));
        },
        cancel: () => {
          if (!listener) return;
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
    this.#closed = true;
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }
}

class Listener {
  readonly #nowMs: () => number;
  #waiting: EventLine[];
  #missed = 0;
  #ended = false;
  #beat = false;
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

  beat(): void {
    this.#beat = true;
    this.#wake();
  }

  /** What waits, or the next line, or a beat; undefined at the end. */
  async next(): Promise<string | undefined> {
    this.#beat = false;
    while (this.#waiting.length === 0 && !this.#ended && !this.#beat) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#waiting.length === 0) return this.#ended ? undefined : '\n';
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
