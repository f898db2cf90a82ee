import { expect, test } from 'vitest';
import { Notes } from './notes.ts';

test('is kept for as long as a request of it may go on, and an absence until it has ended', () => {
  const notes = new Notes();
  const blow = { what: 'node2 loses its power', atMs: 1_000, badMaxMs: 500 };
  const absence = { address: '10.99.0.12', fromMs: 1_000, toMs: Number.POSITIVE_INFINITY };
  notes.addBlow(blow);
  notes.addAbsence(absence);
  notes.forget(21_499);
  expect(notes.blows).toEqual([blow]);
  notes.forget(21_500);
  expect([notes.blows, notes.absences]).toEqual([[], [absence]]);
  absence.toMs = 30_000;
  notes.forget(50_000);
  expect(notes.absences).toEqual([]);
});
