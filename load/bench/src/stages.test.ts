import { expect, test } from 'vitest';
import { readSpan, type Span } from './span.ts';
import { stagesOf, stageTable } from './stages.ts';

const span = (name: string, startMs: number, endMs: number, more: Partial<Span> = {}): Span => ({
  trace: 't',
  id: name,
  parent: '',
  name,
  startMs,
  endMs,
  attributes: {},
  events: {},
  ...more,
});
const apply = (node: string, startMs: number, planned: number, kernelMs: number, endMs: number) => [
  span('apply', startMs, endMs, { id: node, attributes: { 'fairway.node': node }, events: { planned } }),
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

test('a span as it is exported', () => {
  const exported = {
    traceId: 'ab',
    spanId: 'cd',
    name: 'apply',
    startTimeUnixNano: '1764000000123456789',
    endTimeUnixNano: '1764000000223456789',
    attributes: [
      { key: 'fairway.node', value: { stringValue: 'n1' } },
      { key: 'fairway.revision', value: { intValue: 7 } },
    ],
    events: [{ name: 'planned', timeUnixNano: '1764000000133456789' }],
  };
  expect(readSpan(JSON.stringify(exported))).toEqual(
    span('apply', 1764000000123.456, 1764000000223.456, {
      trace: 'ab',
      id: 'cd',
      attributes: { 'fairway.node': 'n1', 'fairway.revision': 7 },
      events: { planned: 1764000000133.456 },
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
