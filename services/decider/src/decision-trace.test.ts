import { BusUnavailable, RevisionConflict } from '@fairway/bus';
import { readTrace, type SpanOptions, type Tracer, untraced } from '@fairway/telemetry';
import { expect, test } from 'vitest';
import { traceDecision } from './decision-trace.ts';
import type { NewCause } from './service-store.ts';

const trace = (n: number) => `00-0000000000000000000000000000000${n}-0000000000000001-01`;
const cause = (n: number): NewCause => ({ trace: trace(n), event: `event ${n}`, atMs: 0 });

/** A tracer that writes down what it was asked for, and which spans ended. */
function watched() {
  const asked: SpanOptions[] = [];
  const ended: string[] = [];
  const tracer: Tracer = {
    span(name, options) {
      asked.push(options);
      const span = untraced.span(name, options);
      return {
        ...span,
        end: ({ error } = {}) => void ended.push(`${span.traceparent}${error === undefined ? '' : ' failed'}`),
      };
    },
  };
  return { tracer, asked, ended };
}

test('each distinct trace goes on in a span of its own, linked to the others', async () => {
  const { tracer, asked, ended } = watched();
  const { causes, ending } = traceDecision(tracer, 'service.web', [cause(1), cause(2), cause(1)], 5);
  expect(asked.map(({ parent, links }) => ({ parent, links }))).toEqual([
    { parent: trace(1), links: [trace(2)] },
    { parent: trace(2), links: [trace(1)] },
  ]);
  expect(causes.map(({ event }) => event)).toEqual(['event 1', 'event 2', 'event 1']);
  expect(causes.map((held) => readTrace(held.trace)?.traceId)).toEqual(
    [1, 2, 1].map((n) => readTrace(trace(n))?.traceId),
  );
  expect(causes.every((held) => held.trace !== trace(1) && held.trace !== trace(2))).toBe(true);
  expect(ended).toEqual([]);
  expect(await ending(Promise.resolve(7))).toBe(7);
  expect(ended).toEqual([causes[0]?.trace, causes[1]?.trace]);
});

test('a write that another decider was faster with leaves no span', async () => {
  const { tracer, ended } = watched();
  const decide = () => traceDecision(tracer, 'service.web', [cause(1)], 5);
  expect(await decide().ending(Promise.resolve(undefined))).toBeUndefined();
  const conflict = new RevisionConflict('service.web', 3);
  await expect(decide().ending(Promise.reject(conflict))).rejects.toBe(conflict);
  expect(ended).toEqual([]);
});

test('a write of which it is not known whether it was stored leaves a failed one', async () => {
  const { tracer, ended } = watched();
  const { causes, ending } = traceDecision(tracer, 'service.web', [cause(1)], 5);
  const unknown = new BusUnavailable('write service.web');
  await expect(ending(Promise.reject(unknown))).rejects.toBe(unknown);
  expect(ended).toEqual([`${causes[0]?.trace} failed`]);
});
