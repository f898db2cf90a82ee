import { type Cause, type Changes, causesMax, keepCauses, type Note } from '@fairway/mesh';
import { type Span, spanAttributes, spanEvents, spanNames, type Tracer } from '@fairway/telemetry';
import type { Namespace } from './kernel/kernel.ts';

/** The span of one round. One in which nothing changed and nothing failed is not recorded. */
export type ApplyTrace = {
  /** For the outcome: the round's own once something changed or failed, else that of the cause. */
  readonly traceparent: string;
  /** The span of the kernel's time in a namespace, to be ended when the kernel has acknowledged. */
  readonly nft: (namespace: Namespace) => Span;
  /**
   * All namespaces are as wanted. Causes that changed nothing while the plan waits, for the node's overlay say, are the
   * next round's too: what comes of them belongs to their traces, though it is not the mesh that brings it.
   */
  readonly ended: (changes: Changes, notes: readonly Note[]) => void;
  /** Some namespaces go on by themselves: the round after them has the same causes. */
  readonly unended: () => void;
  readonly failed: (failures: readonly Error[]) => void;
};

/** The spans of a node's rounds. */
export class ApplyTraces {
  readonly #tracer: Tracer;
  #waiting: readonly Cause[] = [];
  #own: readonly string[] = [];

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** The next round also follows from this event, which the node itself saw: it comes before the fact that tells of it. */
  own(trace: string): void {
    this.#own = [...this.#own, trace].slice(-causesMax);
  }

  /** Begins a round: a part of the first cause's trace, linked to those of the others and of what waited. */
  begin(node: string, revision: number, brings: readonly Cause[]): ApplyTrace {
    const waited = this.#waiting;
    const own = this.#own;
    this.#waiting = [];
    const tracesOf = (causes: readonly Cause[]) => causes.map(({ trace }) => trace);
    const [parent, ...links] = new Set([...tracesOf(brings), ...own, ...tracesOf(waited)]);
    this.#own = [];
    const attributes = { [spanAttributes.node]: node, [spanAttributes.revision]: revision };
    const span = this.#tracer.span(spanNames.apply, { kind: 'consumer', parent, links, attributes });
    let planned = false;
    let recorded = false;
    return {
      get traceparent() {
        return recorded ? span.traceparent : (parent ?? span.traceparent);
      },
      nft: (namespace) => {
        if (!planned) span.event(spanEvents.planned);
        planned = true;
        return this.#tracer.span(spanNames.nft(namespace), { kind: 'client', parent: span.traceparent });
      },
      ended: ({ added, removed }, notes) => {
        if (added + removed > 0) {
          span.set({ [spanAttributes.added]: added, [spanAttributes.removed]: removed });
          span.end();
          recorded = true;
        } else if (notes.some(({ kind }) => kind === 'waiting')) this.#waiting = keepCauses(waited, brings);
      },
      unended: () => {
        this.#waiting = waited;
        this.#own = [...own, ...this.#own];
        if (!planned) return;
        recorded = true;
        span.end();
      },
      failed: ([first, ...more]) => {
        this.#waiting = waited;
        this.#own = [...own, ...this.#own];
        recorded = true;
        span.end({ error: more.length > 0 ? new AggregateError([first, ...more]) : first });
      },
    };
  }
}
