import { type Bus, BusUnavailable, outcomeMessage } from '@fairway/bus';
import { type Cause, type Changes, type Generation, keepCauses, type Note, type Outcome } from '@fairway/mesh';
import { describe, type Log, newTrace } from '@fairway/telemetry';

type Options = { readonly bus: Bus; readonly log: Log; readonly nowMs: () => number };

/** Success is told at most this often, as a watermark. */
const watermarkMs = 250;
/** While the bus does not answer, it is asked again after this time, and this many other outcomes are kept for it. */
const retryMs = 1_000;
const keptMax = 100;

type Success = {
  generation: Generation;
  durationMs: number;
  changes: Changes;
  causes: readonly Cause[];
  notes: readonly Note[];
};

/**
 * Tells the bus what applying came to. Success is gathered into one watermark; everything else is a message of its
 * own. A bus that does not answer delays it and never the rules.
 */
export class OutcomeReport {
  readonly #options: Options;
  #success: (Success & { from: number }) | undefined;
  #told: Generation | undefined;
  #toldMs = 0;
  #others: { node: string; epoch: string; outcome: Outcome; trace: string }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  #count = 0;
  #node = '';

  constructor(options: Options) {
    this.#options = options;
  }

  applied(node: string, success: Success): void {
    this.#node = node;
    const held = this.#success?.generation.epoch === success.generation.epoch ? this.#success : undefined;
    const before = this.#told?.epoch === success.generation.epoch ? this.#told.revision + 1 : 0;
    this.#success = {
      generation: success.generation,
      from: held?.from ?? Math.min(before, success.generation.revision),
      durationMs: (held?.durationMs ?? 0) + success.durationMs,
      changes: {
        added: (held?.changes.added ?? 0) + success.changes.added,
        removed: (held?.changes.removed ?? 0) + success.changes.removed,
      },
      causes: keepCauses(held?.causes ?? [], success.causes),
      notes: success.notes,
    };
    this.#scheduleWatermark();
  }

  failed(node: string, generation: Generation, namespace: string, reason: string, causes: readonly Cause[]): void {
    const { epoch, revision } = generation;
    const outcome: Outcome = {
      kind: 'failed',
      from: revision,
      to: revision,
      namespace,
      reason,
      causes: keepCauses(causes, []),
    };
    this.#others.push({ node, epoch: epoch || 'none', outcome, trace: causes.at(-1)?.trace ?? newTrace() });
    this.#others = this.#others.slice(-keptMax);
    void this.#send();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** At once, when the last one was long enough ago. */
  #scheduleWatermark(): void {
    this.#schedule(Math.max(0, this.#toldMs + watermarkMs - this.#options.nowMs()));
  }

  #schedule(afterMs: number): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, afterMs);
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    const { bus, log, nowMs } = this.#options;
    const id = () => `${this.#node}.${process.pid}.${nowMs()}.${this.#count++}`;
    try {
      for (let next = this.#others[0]; next; next = this.#others[0]) {
        await bus.publish(outcomeMessage(next.node, next.epoch, next.outcome, nowMs(), next.trace), id());
        this.#others.shift();
      }
      const success = this.#success;
      if (success) {
        const { generation, from, ...rest } = success;
        const outcome: Outcome = { kind: 'applied', from, to: generation.revision, ...rest };
        const trace = success.causes.at(-1)?.trace ?? newTrace();
        await bus.publish(outcomeMessage(this.#node, generation.epoch || 'none', outcome, nowMs(), trace), id());
        this.#told = generation;
        this.#toldMs = nowMs();
        if (this.#success === success) this.#success = undefined;
      }
    } catch (error) {
      if (!(error instanceof BusUnavailable)) log.error('an outcome cannot be told', { reason: describe(error) });
      this.#schedule(retryMs);
    } finally {
      this.#sending = false;
      if (this.#success) this.#scheduleWatermark();
    }
  }
}
