import { BusUnavailable, type Clock, type NodeBus, outcomeMessage } from '@fairway/bus';
import { type Cause, type Changes, type Generation, keepCauses, type Note, type Outcome } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';

type Options = {
  readonly bus: NodeBus;
  readonly log: Log;
  /** The wall clock, which an outcome shows. */
  readonly nowMs: () => number;
  readonly clock: Clock;
};

/** Success is told at most this often, as a watermark. */
const watermarkMs = 250;
/** While the bus does not answer, it is asked again after this time, and this many events are kept for it. */
const retryMs = 1_000;
const keptMax = 100;

/** What a round has brought. */
export type Success = {
  readonly generation: Generation;
  readonly durationMs: number;
  readonly changes: Changes;
  readonly causes: readonly Cause[];
  readonly notes: readonly Note[];
  /** Traceparent of the round; of several, of the last one that changed something. */
  readonly trace: string;
};
type Waiting<Of> = Of & { readonly node: string; readonly order: number };
type Event = { readonly epoch: string; readonly outcome: Outcome; readonly trace: string };

/**
 * Tells the bus what applying came to. Success is gathered into one watermark; a failure, and what others did, is a message
 * of its own. They are told in the order in which they were: who reads a failure after a success takes the node for
 * failing. A bus that does not answer delays it and never the rules.
 */
export class OutcomeReport {
  readonly #options: Options;
  #success: Waiting<Success> | undefined;
  #events: Waiting<Event>[] = [];
  #order = 0;
  #told: { readonly generation: Generation; readonly atMs: number } | undefined;
  #cancel: (() => void) | undefined;
  #sending = false;
  #stopped = false;
  #count = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  applied(node: string, success: Success): void {
    this.#success = together(this.#success, { ...success, node, order: this.#order++ });
    // Nothing is asked of a bus that does not answer before its time.
    if (!this.#cancel) void this.#send();
  }

  failed(
    node: string,
    generation: Generation,
    namespace: string,
    reason: string,
    causes: readonly Cause[],
    trace: string,
  ): void {
    const { epoch, revision } = generation;
    const outcome: Outcome = {
      kind: 'failed',
      from: revision,
      to: revision,
      namespace,
      reason,
      causes: keepCauses(causes, []),
    };
    this.#add({ node, epoch, outcome, trace });
  }

  /** What others did in a namespace, or that it is right again. */
  drift(
    node: string,
    { epoch }: Generation,
    outcome: Extract<Outcome, { readonly kind: 'drifted' | 'repaired' }>,
    trace: string,
  ): void {
    this.#add({ node, epoch, outcome, trace });
  }

  #add(event: Omit<Waiting<Event>, 'order'>): void {
    this.#events = [...this.#events, { ...event, order: this.#order++ }].slice(-keptMax);
    if (!this.#cancel) void this.#send();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #sendAfter(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel ??= this.#options.clock.after(delayMs, () => {
      this.#cancel = undefined;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (!this.#stopped) {
        const event = this.#events[0];
        const success = this.#success;
        if (event && (!success || event.order < success.order)) {
          await this.#publish(event.node, event.epoch, event.outcome, event.trace);
          this.#events = this.#events.filter((held) => held !== event);
        } else if (success) {
          const waitMs = this.#told ? this.#told.atMs + watermarkMs - this.#options.clock.nowMs() : 0;
          if (waitMs > 0) return this.#sendAfter(waitMs);
          await this.#tellSuccess(success);
        } else return;
      }
    } catch {
      this.#sendAfter(retryMs);
    } finally {
      this.#sending = false;
    }
  }

  async #tellSuccess(waiting: Waiting<Success>): Promise<void> {
    const { generation, node, order: _, trace, ...rest } = waiting;
    this.#success = undefined;
    const next = this.#told?.generation.epoch === generation.epoch ? this.#told.generation.revision + 1 : 0;
    const outcome: Outcome = {
      kind: 'applied',
      from: Math.min(next, generation.revision),
      to: generation.revision,
      ...rest,
    };
    try {
      await this.#publish(node, generation.epoch, outcome, trace);
    } catch (error) {
      this.#success = together(waiting, this.#success);
      throw error;
    }
    this.#told = { generation, atMs: this.#options.clock.nowMs() };
  }

  /** @throws {BusUnavailable} and only that: an outcome that the bus refuses would be refused again. */
  async #publish(node: string, epoch: string, outcome: Outcome, trace: string): Promise<void> {
    const { bus, log, nowMs } = this.#options;
    const message = outcomeMessage(node, epoch || 'none', outcome, nowMs(), trace);
    try {
      await bus.publish(message, `${node}.${process.pid}.${nowMs()}.${this.#count++}`);
    } catch (error) {
      if (error instanceof BusUnavailable) throw error;
      log.error('an outcome cannot be told and is left out', { reason: describe(error) });
    }
  }
}

/** One watermark for both; of two epochs only the later one has a meaning. */
function together(before: Waiting<Success> | undefined, after: Waiting<Success>): Waiting<Success>;
function together(before: Waiting<Success>, after: Waiting<Success> | undefined): Waiting<Success>;
function together(
  before: Waiting<Success> | undefined,
  after: Waiting<Success> | undefined,
): Waiting<Success> | undefined {
  if (!before || !after) return before ?? after;
  if (before.generation.epoch !== after.generation.epoch) return after;
  return {
    ...after,
    durationMs: before.durationMs + after.durationMs,
    changes: {
      added: before.changes.added + after.changes.added,
      removed: before.changes.removed + after.changes.removed,
    },
    causes: keepCauses(before.causes, after.causes),
    trace: after.changes.added + after.changes.removed > 0 ? after.trace : before.trace,
  };
}
