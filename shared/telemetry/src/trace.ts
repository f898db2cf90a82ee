import { randomBytes } from 'node:crypto';

/** Asking the system for each id takes longer than all else of a span. */
let pool = Buffer.alloc(0);

function randomHex(bytes: number): string {
  if (pool.length < bytes) pool = randomBytes(4096);
  const id = pool.subarray(0, bytes).toString('hex');
  pool = pool.subarray(bytes);
  return id;
}

/**
 * A new W3C traceparent, sampled: `00-TRACE-SPAN-01`
 * (https://www.w3.org/TR/trace-context/#traceparent-header). Every observed event begins a trace.
 */
export function newTrace(): string {
  return writeTrace(randomHex(16), randomHex(8));
}

/** The traceparent of a new span in the trace of `parent`; of a new trace where there is none, or none that is valid. */
export function nextTrace(parent: string | undefined): string {
  const held = readTrace(parent);
  return held ? writeTrace(held.traceId, randomHex(8)) : newTrace();
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
