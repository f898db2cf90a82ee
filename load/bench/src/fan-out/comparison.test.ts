import { expect, test } from 'vitest';
import { comparisonTable } from './comparison.ts';
import { type Figures, figureNames } from './figures.ts';

const figures = (value: number, more: Partial<Figures> = {}) =>
  ({ ...Object.fromEntries(Object.keys(figureNames).map((name) => [name, value])), ...more }) as Figures;
const rowOf = (table: string, figure: keyof Figures) =>
  table.split('\n').find((line) => line.startsWith(`| ${figureNames[figure]} |`));

test('medians, least and most, and the ratio of the medians', () => {
  const table = comparisonTable({
    ordered: [figures(4), figures(2), figures(300)],
    republished: [figures(1), figures(1), figures(1)],
  });
  expect(table.split('\n').slice(0, 2)).toEqual([
    '| | ordered consumers | republish | ratio |',
    '| --- | --- | --- | --- |',
  ]);
  expect(rowOf(table, 'startMs')).toBe(`| ${figureNames.startMs} | 4 (2 to 300) | 1 | 0.25 |`);
});

test('digits where they say something, and a dash where there is nothing to say', () => {
  const table = comparisonTable({ ordered: [figures(0, { serverS: 12.345 })], republished: [] });
  expect(rowOf(table, 'serverS')).toBe(`| ${figureNames.serverS} | 12.3 | - | - |`);
  expect(rowOf(table, 'lacking')).toBe(`| ${figureNames.lacking} | 0 | - | - |`);
});
