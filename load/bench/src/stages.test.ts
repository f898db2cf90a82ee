import { expect, test } from 'vitest';
import { type Span, spanOf } from './span.ts';
import { stagesOf, stageTable } from './stages.ts';

const span = (name: string, startMs: number, endMs: number, more: Partial<Span> = {}): Span => ({
  traceId: 't',
  spanId: name,
  parent: '',
  name,
  startMs,
  endMs,
  attributes: {},
  eventsMs: {},
  ...more,
});
const apply = (node: string, startMs: number, planned: number, kernelMs: number, endMs: number) => [
  span('apply', startMs, endMs, { spanId: node, attributes: { 'fairway.node': node }, eventsMs: { planned } }),
  span('nft ingress', planned, kernelMs, { parent: node }),
];
const begun = [span('send fairway.fact', 1_005, 1_008), span('process fairway.fact', 1_010, 1_022)];

test('each stage ends with the slowest node', () => {
  const spans = [...begun, ...apply('n1', 1_023, 1_024, 1_036, 1_037), ...apply('n2', 1_023, 1_030, 1_032, 1_050)];
  expect(stagesOf(spans, 1_000, 2)).toEqual({ seen: 5, decided: 22, planned: 30, applied: 36, ended: 50 });
});

test('a change is not measured before every node has told of it', () => {
  expect(stagesOf([...begun, ...apply('n1', 1_023, 1_024, 1_036, 1_037)], 1_000, 2)).toBeUndefined();
  expect(stagesOf([], 1_000, 0)).toBeUndefined();
});

test('times become milliseconds', () => {
  const received = {
    service: 'fairway-node',
    traceId: 'ab',
    spanId: 'cd',
    name: 'apply',
    startTimeUnixNano: '1764000000123456789',
    endTimeUnixNano: '1764000000223456789',
    attributes: { 'fairway.node': 'n1' },
    events: { planned: '1764000000133456789' },
    links: [],
  };
  expect(spanOf(received)).toEqual(
    span('apply', 1764000000123.456, 1764000000223.456, {
      traceId: 'ab',
      spanId: 'cd',
      attributes: { 'fairway.node': 'n1' },
      eventsMs: { planned: 1764000000133.456 },
    }),
  );
});

test('a table has the middle and the slow end, and a dash for what was not measured', () => {
  expect(
    stageTable([
      { stage: 'seen', values: [3, 1, 2] },
      { stage: 'decided', values: [] },
    ]),
  ).toMatchInlineSnapshot(`
    "| stage | changes | p50 ms | p90 ms | p99 ms | slowest ms |
    | --- | --- | --- | --- | --- | --- |
    | seen | 3 | 2.0 | 3.0 | 3.0 | 3.0 |
    | decided | 0 | - | - | - | - |
    "
  `);
});
