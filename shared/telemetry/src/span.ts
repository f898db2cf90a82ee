import { nextTrace } from './trace.ts';

type SpanAttributes = Readonly<Record<string, string | number>>;

export type SpanOptions = {
  readonly kind: 'internal' | 'producer' | 'consumer' | 'client';
  /** Traceparent of the span that this one is a part of; without a valid one it begins a trace. */
  readonly parent?: string | undefined;
  /** Traceparents of other traces that this one has to do with. */
  readonly links?: readonly string[];
  readonly attributes?: SpanAttributes;
  /** Wall clock; the present without it. With it the span's times are whole milliseconds. */
  readonly startMs?: number;
};

/** Something that takes time. One that is never ended is never recorded. */
export type Span = {
  /** W3C traceparent, under which what follows from it goes on. */
  readonly traceparent: string;
  event(name: string): void;
  set(attributes: SpanAttributes): void;
  /** Ends it; with an error, as failed. */
  end(outcome?: { readonly error?: unknown }): void;
};

/** Makes spans. */
export type Tracer = { span(name: string, options: SpanOptions): Span };

/** Makes spans that are ids only: traces hold together over processes, whichever of them records. */
export const untraced: Tracer = {
  span: (_name, { parent }) => ({ traceparent: nextTrace(parent), event: () => {}, set: () => {}, end: () => {} }),
};
