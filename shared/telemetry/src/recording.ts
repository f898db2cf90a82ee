import {
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { describe } from './log.ts';
import type { Tracer } from './span.ts';
import { SpanQueue } from './span-queue.ts';
import { readTrace, writeTrace } from './trace.ts';

/** The receiver has this long for each batch, tries again included. */
const exportMaxMs = 2_000;

const kinds = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
};

/** A tracer whose spans are sent to `endpoint` in OTLP over HTTP, as JSON. Nothing waits for them but `stop`. */
export function record(
  service: string,
  endpoint: string,
  onLost: (lost: number, why: unknown) => void,
): { tracer: Tracer; stop: () => Promise<void> } {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const queue = new SpanQueue(new OTLPTraceExporter({ url, timeoutMillis: exportMaxMs }), onLost);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `fairway-${service}`, 'process.pid': process.pid }),
    spanProcessors: [queue],
  });
  const spans = provider.getTracer('fairway');
  const tracer: Tracer = {
    span(name, { kind, parent, links = [], attributes = {}, startMs }) {
      const from = contextOf(parent);
      const span = spans.startSpan(
        name,
        {
          kind: kinds[kind],
          attributes,
          links: links.flatMap((link): Link[] => {
            const context = contextOf(link);
            return context ? [{ context }] : [];
          }),
          ...(startMs === undefined ? {} : { startTime: startMs }),
        },
        from ? trace.setSpanContext(ROOT_CONTEXT, from) : ROOT_CONTEXT,
      );
      const { traceId, spanId } = span.spanContext();
      return {
        traceparent: writeTrace(traceId, spanId),
        event: (event) => void span.addEvent(event),
        set: (more) => void span.setAttributes(more),
        end({ error } = {}) {
          if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: describe(error) });
          span.end();
        },
      };
    },
  };
  return { tracer, stop: () => provider.shutdown() };
}

/** Sampled, whatever the traceparent says: Fairway records every event. */
function contextOf(traceparent: string | undefined): SpanContext | undefined {
  const held = readTrace(traceparent);
  return held && { ...held, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}
