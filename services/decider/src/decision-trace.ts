import { RevisionConflict } from '@fairway/bus';
import { type Span, spanAttributes, spanNames, type Tracer } from '@fairway/telemetry';
import type { NewCause } from './service-store.ts';

/** The facts behind a write, and the spans that it takes. */
export type DecisionTrace = {
  /** The same causes, whose traces go on from the decision. */
  readonly causes: readonly NewCause[];
  /**
   * What the write comes to, which ends the spans. One that is not done, since another decider was faster (undefined, or
   * `RevisionConflict`), was no decision and leaves no span. One that fails otherwise, as when its acknowledgement is
   * lost, leaves failed ones: it may have been stored, with these spans as the parents of what follows.
   */
  readonly ending: <Revision extends number | undefined>(write: Promise<Revision>) => Promise<Revision>;
};

/**
 * Begins a span for each distinct trace among the causes of one write, each a part of its own trace and linked to the
 * others. `startMs` is when the deciding began, wall clock.
 */
export function traceDecision(
  tracer: Tracer,
  key: string,
  causes: readonly NewCause[],
  startMs: number,
): DecisionTrace {
  const traces = [...new Set(causes.map(({ trace }) => trace))];
  const spans = new Map<string, Span>(
    traces.map((parent) => {
      const links = traces.filter((other) => other !== parent);
      const attributes = { [spanAttributes.key]: key };
      return [parent, tracer.span(spanNames.process, { kind: 'consumer', parent, links, attributes, startMs })];
    }),
  );
  return {
    causes: causes.map((cause) => ({ ...cause, trace: spans.get(cause.trace)?.traceparent ?? cause.trace })),
    ending: async (write) => {
      try {
        const revision = await write;
        if (revision === undefined) return revision;
        for (const span of spans.values()) {
          span.set({ [spanAttributes.revision]: revision });
          span.end();
        }
        return revision;
      } catch (error) {
        if (!(error instanceof RevisionConflict)) for (const span of spans.values()) span.end({ error });
        throw error;
      }
    },
  };
}
