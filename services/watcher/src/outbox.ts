import { BusUnavailable, factMessage, type NodeBus } from '@fairway/bus';
import { type Fact, objectOf } from '@fairway/mesh';
import { describe, type Log, type Span, spanAttributes, spanEvents, spanNames, type Tracer } from '@fairway/telemetry';
import { backoffMs, type Clock } from './clock.ts';

/** A fact on its way to the bus. */
export type Outgoing = {
  /** What it is about: a later fact with the same key takes its place. */
  readonly key: string;
  readonly fact: Fact;
  /** Message id, without what is bound to one epoch. */
  readonly id: string;
  /** What happened, for people. */
  readonly event: string;
  readonly atMs: number;
  /** It goes out alone, after everything offered before it and before everything offered after it. */
  readonly barrier?: boolean;
  /** From `beginSend`, where somebody was told of the event before the bus is. */
  readonly span?: Span;
};

/** With the span of the event behind it, whose trace the message carries on. */
type Traced = Outgoing & { readonly span: Span };

type Options = {
  readonly bus: NodeBus;
  readonly clock: Clock;
  readonly log: Log;
  readonly tracer: Tracer;
  /** A publish failed; it will be tried again. */
  readonly onFailure: () => void;
};

/** How many publishes wait for their acknowledgement at a time: NATS stores five times as many so as one by one. */
const inFlightMax = 64;

/**
 * Facts that wait for the bus, in order, one for each object: the latest wins, so that a lost bus costs no more memory
 * than there are objects. What fails is tried again, with backoff, before anything offered after it. Facts of one key
 * never overtake each other.
 */
export class Outbox {
  readonly #options: Options;
  #waiting = new Map<string, Traced>();
  readonly #inFlight = new Map<string, Traced>();
  #identity: { node: string; epoch: string } | undefined;
  #failures = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** How many facts the bus has not acknowledged. */
  get size(): number {
    return this.#waiting.size + this.#inFlight.size;
  }

  /** Takes a fact to publish. In the place of one with the same key that still waits, so that a barrier stays behind. */
  offer(outgoing: Outgoing): void {
    if (this.#stopped) return;
    drop(this.#waiting.get(outgoing.key), 'a later fact about the same took its place');
    if (outgoing.barrier) this.#waiting.delete(outgoing.key);
    this.#waiting.set(outgoing.key, { ...outgoing, span: outgoing.span ?? beginSend(this.#options.tracer, outgoing) });
    this.#pump();
  }

  /** Tries again what failed, without waiting for the rest of a pause: the bus has just been found again. */
  retryNow(): void {
    this.#endPause();
    this.#failures = 0;
    this.#pump();
  }

  /** Publishes for this node in this epoch. What waited belongs to another epoch and is dropped: all is listed anew. */
  open(node: string, epoch: string): void {
    this.#identity = { node, epoch };
    this.#clear('all is told anew in another epoch');
    this.#endPause();
    this.#failures = 0;
  }

  /** Keeps what is offered until it is opened again. */
  close(): void {
    this.#identity = undefined;
  }

  stop(): void {
    this.#stopped = true;
    this.#clear('the node process stopped');
    this.#endPause();
  }

  #endPause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #clear(why: string): void {
    for (const outgoing of this.#waiting.values()) drop(outgoing, why);
    this.#waiting.clear();
  }

  #pump(): void {
    while (this.#identity && !this.#cancel && this.#inFlight.size < inFlightMax) {
      const next = this.#next();
      if (!next) return;
      this.#waiting.delete(next.key);
      this.#inFlight.set(next.key, next);
      void this.#publish(next, this.#identity);
    }
  }

  #next(): Traced | undefined {
    const [head] = this.#waiting.values();
    if (!head || this.#inFlight.has(head.key)) return undefined;
    if (this.#inFlight.size === 0) return head;
    const barred = head.barrier || [...this.#inFlight.values()].some(({ barrier }) => barrier);
    return barred ? undefined : head;
  }

  async #publish(outgoing: Traced, { node, epoch }: { node: string; epoch: string }): Promise<void> {
    const { bus, clock, log, onFailure } = this.#options;
    const { key, fact, event, atMs, span } = outgoing;
    let failure: { error: unknown } | undefined;
    try {
      await bus.publish(factMessage(node, epoch, fact, event, atMs, span.traceparent), `${epoch}:${outgoing.id}`);
      span.set({ [spanAttributes.node]: node });
      span.end();
    } catch (error) {
      if (error instanceof BusUnavailable) {
        failure = { error };
        span.event(spanEvents.unacknowledged);
      } else {
        span.end({ error });
        log.error('A fact cannot be published; it is left out', { fact: key, why: describe(error) });
      }
    }
    this.#inFlight.delete(key);
    if (!failure) {
      this.#failures = 0;
    } else if (!this.#stopped && this.#identity?.epoch === epoch) {
      // First again, unless a later fact about the same object waits already.
      const rest = this.#waiting;
      const later = rest.get(key);
      if (later) drop(outgoing, 'a later fact about the same took its place');
      const place = later ?? outgoing;
      this.#waiting = new Map([[key, place], ...[...rest].filter(([held]) => held !== key)]);
      if (!this.#cancel) {
        log.warn('The bus takes no facts; they wait', { waiting: this.size, why: describe(failure.error) });
        this.#cancel = clock.after(backoffMs(this.#failures++), () => {
          this.#cancel = undefined;
          this.#pump();
        });
      }
      onFailure();
    } else drop(outgoing, 'its epoch is over, or the node process stopped');
    this.#pump();
  }
}

/** Ends the span of a fact that is not sent, as failed: rounds on the node, or a stored message, may be a part of it. */
function drop(outgoing: Traced | undefined, why: string): void {
  outgoing?.span.end({ error: new Error(why) });
}

/** Begins the span of a fact, from the event on. */
export function beginSend(tracer: Tracer, { fact, event, atMs }: Pick<Outgoing, 'fact' | 'event' | 'atMs'>): Span {
  return tracer.span(spanNames.send, {
    kind: 'producer',
    startMs: atMs,
    attributes: {
      [spanAttributes.event]: event,
      [spanAttributes.factKind]: fact.kind,
      [spanAttributes.object]: objectOf(fact),
      [spanAttributes.messagingSystem]: 'nats',
    },
  });
}
