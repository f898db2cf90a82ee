import { randomBytes } from 'node:crypto';

/**
 * A new W3C traceparent, sampled: `00-TRACE-SPAN-01`
 * (https://www.w3.org/TR/trace-context/#traceparent-header). Every observed event begins a trace.
 */
export function newTrace(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
