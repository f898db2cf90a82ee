import { expect, test } from 'vitest';
import { Doors, shutMs } from './doors.ts';
import { SimulatedClock } from './memory/simulated-clock.ts';
import { subjects } from './subjects.ts';

function open() {
  const clock = new SimulatedClock();
  const patterns: string[] = [];
  const doors = new Doors({
    clock,
    everybody: subjects.told,
    of: subjects.toldBy,
    listen(pattern) {
      patterns.push(pattern);
      return () => patterns.splice(patterns.indexOf(pattern), 1);
    },
  });
  for (const sender of ['a', 'b', 'c']) doors.hear(sender);
  const pass = (forMs: number) => clock.settle(Promise.resolve(), forMs);
  return { doors, pass, heard: () => [...patterns].sort() };
}

const everybody = ['fairway.tell.>'];
const only = (...senders: readonly string[]) =>
  senders.flatMap((sender) => [`fairway.tell.*.${sender}`, `fairway.tell.*.${sender}.>`]).sort();

test('everybody is heard, known or not', () => {
  expect(open().heard()).toEqual(everybody);
});

test('who is shut out is not heard, and everybody else who is known is', () => {
  const { doors, heard } = open();
  expect(doors.shutOut('b')).toBe(true);
  expect(heard()).toEqual(only('a', 'c'));
  expect(doors.shutOut('b')).toBe(false);
  expect(doors.shutOut('c')).toBe(true);
  expect(heard()).toEqual(only('a'));
  expect(doors.shut).toEqual(['b', 'c']);
});

test('one that nobody knew is shut out as well', () => {
  const { doors, heard } = open();
  doors.shutOut('x');
  expect(heard()).toEqual(only('a', 'b', 'c'));
});

test('one that is expected only while another is shut out is heard from then on', () => {
  const { doors, heard } = open();
  doors.shutOut('b');
  doors.hear('d');
  doors.hear('b');
  doors.hear('d');
  expect(heard()).toEqual(only('a', 'c', 'd'));
});

test('each is heard again after its time, and everybody when the last is', async () => {
  const { doors, pass, heard } = open();
  doors.shutOut('b');
  await pass(shutMs / 2);
  doors.shutOut('c');
  await pass(shutMs / 2 + 1);
  expect(heard()).toEqual(only('a', 'b'));
  await pass(shutMs / 2);
  expect(heard()).toEqual(everybody);
  expect(doors.shut).toEqual([]);
});

test('stopped, nobody is heard, then or later', async () => {
  const { doors, pass, heard } = open();
  doors.shutOut('b');
  doors.stop();
  await pass(2 * shutMs);
  expect(heard()).toEqual([]);
});
