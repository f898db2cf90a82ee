import type { Note } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { toldNotes } from './told-notes.ts';

const noWay = (service: number, task: number): Note => ({
  kind: 'waiting',
  about: `service-${service}`,
  why: `network back has no way to 10.0.${service}.${task} yet, task t${task} on node n2`,
});
const notes = (services: number, tasks: number) =>
  Array.from({ length: services * tasks }, (_, n) => noWay(Math.floor(n / tasks), n % tasks));

test('what fits is told as it is', () => {
  const few = notes(3, 3);
  expect(toldNotes(few)).toEqual(few);
});

test('of too many each thing that they are about is told once, with how many more there are', () => {
  const told = toldNotes(notes(50, 200));
  expect(told).toHaveLength(50);
  expect(told[7]).toEqual({ kind: 'waiting', about: 'service-7', why: `${noWay(7, 0).why}, and 199 more` });
});

test('of too many things so many are told as fit, and how many are not', () => {
  const told = toldNotes(notes(100, 2), 2_000);
  expect(JSON.stringify(told).length).toBeLessThan(2_500);
  expect(told.at(-1)).toMatchObject({ kind: 'waiting', about: 'mesh' });
  expect(told.at(-1)?.why).toBe(`${101 - told.length} more services or ports wait or are refused`);
});
