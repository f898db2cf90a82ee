import { randomBytes } from 'node:crypto';

/**
 * A new W3C traceparent, sampled: `00-TRACE-SPAN-01`
 * (https://www.w3.org/TR/trace-context/#traceparent-header). Every observed event begins a trace.
 */
export function newTrace(): string {
  return writeTrace(randomBytes(16).toString('hex'), randomBytes(8).toString('hex'));
}

/** The traceparent of a new span in the trace of `parent`; of a new trace where there is none, or none that is valid. */
export function nextTrace(parent: string | undefined): string {
  const held = readTrace(parent);
  return held ? writeTrace(held.traceId, randomBytes(8).toString('hex')) : newTrace();
}

/** Writes a sampled traceparent. */
export function writeTrace(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The ids in a traceparent; undefined where it is not valid, which by W3C begins a new trace. */
export function readTrace(traceparent: string | undefined): { traceId: string; spanId: string } | undefined {
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent ?? '') ?? [];
  if (!traceId || !spanId || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId };
}
