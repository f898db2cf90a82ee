import type { Cause, Note } from '@fairway/mesh';
import { type SpanOptions, type Tracer, untraced } from '@fairway/telemetry';
import { expect, test } from 'vitest';
import { ApplyTraces } from './apply-trace.ts';

const trace = (n: number) => `00-0000000000000000000000000000000${n}-0000000000000001-01`;
const cause = (n: number): Cause => ({ trace: trace(n), event: `event ${n}`, atMs: 0, after: 0 });
const nothing = { added: 0, removed: 0 };
const some = { added: 1, removed: 0 };
const waiting: Note = { kind: 'waiting', about: 'port 8000/tcp', why: 'no way yet' };

/** Rounds whose spans are written down as they end: `apply 1 +2` is a part of trace 1, linked to trace 2. */
function open() {
  const told: string[] = [];
  const digit = (traceparent: string) => traceparent.split('-')[1]?.at(-1);
  const show = (name: string, { parent, links = [] }: SpanOptions) =>
    [name, ...(parent ? [digit(parent)] : []), ...links.map((link) => `+${digit(link)}`)].join(' ');
  const tracer: Tracer = {
    span: (name, options) => ({
      ...untraced.span(name, options),
      event: (event) => void told.push(event),
      end: ({ error } = {}) => void told.push(`${show(name, options)}${error ? ' failed' : ''}`),
    }),
  };
  return { told, traces: new ApplyTraces(tracer) };
}

test('a round is a part of the first cause and linked to the others, with the kernel within it', () => {
  const { told, traces } = open();
  const round = traces.begin('n1', 7, [cause(1), cause(2), cause(1)]);
  round.nft('ingress').end();
  round.nft('host').end();
  round.ended(some, []);
  expect(told).toEqual(['planned', 'nft ingress 1', 'nft host 1', 'apply 1 +2']);
  expect(round.traceparent).toContain(trace(1).slice(0, 36));
  expect(round.traceparent).not.toBe(trace(1));
});

test('a round that changed nothing is not recorded, and its outcome goes on from the cause', () => {
  const { told, traces } = open();
  const round = traces.begin('n1', 7, [cause(1)]);
  round.ended(nothing, []);
  expect(told).toEqual([]);
  expect(round.traceparent).toBe(trace(1));
  traces.begin('n1', 8, [cause(2)]).ended(some, []);
  expect(told).toEqual(['apply 2']);
});

test('what waits belongs to the causes that wait', () => {
  const { told, traces } = open();
  traces.begin('n1', 7, [cause(1)]).ended(nothing, [waiting]);
  traces.begin('n1', 7, []).failed([new Error('refused')]);
  traces.begin('n1', 7, []).ended(some, []);
  traces.begin('n1', 7, []).ended(some, []);
  expect(told).toEqual(['apply 1 failed', 'apply 1', 'apply']);
  traces.begin('n1', 8, [cause(2)]).ended(nothing, [waiting]);
  traces.begin('n1', 9, [cause(3)]).ended(some, [waiting]);
  expect(told.at(-1)).toBe('apply 3 +2');
});

test('what the node itself saw is the trace of the next round alone', () => {
  const { told, traces } = open();
  traces.own(trace(4));
  traces.begin('n1', 7, []).ended(some, []);
  traces.begin('n1', 8, [cause(5)]).ended(some, []);
  expect(told).toEqual(['apply 4', 'apply 5']);
});
