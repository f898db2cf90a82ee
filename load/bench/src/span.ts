/** A span as the services export it (OTLP/JSON), cut down to what is measured; times are milliseconds since 1970. */
export type Span = {
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** When each of its events was. */
  readonly events: Readonly<Record<string, number>>;
};

type Exported = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: { key: string; value: { stringValue?: string; intValue?: number | string; doubleValue?: number } }[];
  events?: { name: string; timeUnixNano: string }[];
};

/** Reads a line of `receive-spans.ts`. */
export function readSpan(line: string): Span {
  const span = JSON.parse(line) as Exported;
  return {
    trace: span.traceId,
    id: span.spanId,
    parent: span.parentSpanId ?? '',
    name: span.name,
    startMs: milliseconds(span.startTimeUnixNano),
    endMs: milliseconds(span.endTimeUnixNano),
    attributes: Object.fromEntries(
      (span.attributes ?? []).map(({ key, value }) => [
        key,
        value.stringValue ?? value.doubleValue ?? Number(value.intValue),
      ]),
    ),
    events: Object.fromEntries((span.events ?? []).map(({ name, timeUnixNano }) => [name, milliseconds(timeUnixNano)])),
  };
}

function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1000n) / 1000;
}
