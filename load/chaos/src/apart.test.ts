import { expect, test } from 'vitest';
import { Apart } from './apart.ts';
import { Notes } from './notes.ts';

test('who is found apart is absent from the look before on, until some time after a look that did not find it so', () => {
  const notes = new Notes();
  const apart = new Apart(notes, 5_000, 1_000);
  apart.found(new Set(), 1_200);
  expect(notes.absences).toEqual([]);
  apart.found(new Set(['10.99.0.11', '10.99.0.13']), 1_400);
  apart.found(new Set(['10.99.0.13']), 1_600);
  expect(notes.absences).toEqual([
    { address: '10.99.0.11', fromMs: 1_200, toMs: 6_600 },
    { address: '10.99.0.13', fromMs: 1_200, toMs: Number.POSITIVE_INFINITY },
  ]);
  apart.found(new Set(), 1_800);
  apart.found(new Set(['10.99.0.13']), 2_000);
  expect(notes.absences.slice(1)).toEqual([
    { address: '10.99.0.13', fromMs: 1_200, toMs: 6_800 },
    { address: '10.99.0.13', fromMs: 1_800, toMs: Number.POSITIVE_INFINITY },
  ]);
});
