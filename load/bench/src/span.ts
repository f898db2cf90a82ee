import type { ReceivedSpan } from '@fairway/trace-receiver';

/** A span as it is measured; times are milliseconds since 1970. */
export type Span = Pick<ReceivedSpan, 'name' | 'traceId' | 'spanId' | 'attributes'> & {
  readonly parent: string;
  readonly startMs: number;
  readonly endMs: number;
  /** When each of its events was. */
  readonly eventsMs: Readonly<Record<string, number>>;
};

export function spanOf(received: ReceivedSpan): Span {
  const { name, traceId, spanId, attributes, parentSpanId = '', startTimeUnixNano, endTimeUnixNano, events } = received;
  return {
    name,
    traceId,
    spanId,
    attributes,
    parent: parentSpanId,
    startMs: milliseconds(startTimeUnixNano),
    endMs: milliseconds(endTimeUnixNano),
    eventsMs: Object.fromEntries(Object.entries(events).map(([event, at]) => [event, milliseconds(at)])),
  };
}

function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1000n) / 1000;
}
