import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Spans wait for their export in a batch, so long at most. */
const gatherMs = 500;
/** About 2 MB of spans; those that come while it is full are lost. */
const waitingMax = 2_048;
const batchMax = 512;
/** How long a flush waits for the receiver. */
const flushMaxMs = 1_000;

/**
 * Ended spans on their way out: one batch at a time, so that a receiver that is slow or gone costs no more than this
 * memory and these spans. The batch processor of the SDK drops without a count, which is why this is not that one.
 */
export class SpanQueue implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #onLost: (lost: number, why: unknown) => void;
  #waiting: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  /** `onLost` is told of spans that nobody will see, and what kept them: the receiver's answer, or an error. */
  constructor(exporter: SpanExporter, onLost: (lost: number, why: unknown) => void) {
    this.#exporter = exporter;
    this.#onLost = onLost;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#waiting.length >= waitingMax) {
      this.#onLost(1, new Error(`${waitingMax} wait already`));
      return;
    }
    this.#waiting.push(span);
    this.#timer ??= setTimeout(() => void this.#sendAll(), gatherMs).unref();
  }

  /** Sends what waits. Ends after a second at the latest, and what is not sent by then is lost. */
  async forceFlush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, flushMaxMs);
    });
    await Promise.race([this.#sendAll(), tooLate]);
    clearTimeout(timer);
    const left = this.#waiting.splice(0).length;
    if (left > 0) this.#onLost(left, new Error(`they were not taken within ${flushMaxMs} ms of the end`));
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
    clearTimeout(this.#timer);
  }

  #sendAll(): Promise<void> {
    this.#sending ??= this.#sendBatches().finally(() => {
      this.#sending = undefined;
      this.#timer = undefined;
    });
    return this.#sending;
  }

  async #sendBatches(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchMax);
      const failure = await new Promise<unknown>((resolve) => {
        // 0 is SUCCESS of ExportResultCode, in a package that only the SDK needs.
        this.#exporter.export(batch, ({ code, error }) => resolve(code === 0 ? undefined : (error ?? 'no reason')));
      });
      if (failure !== undefined) this.#onLost(batch.length, failure);
    }
  }
}
