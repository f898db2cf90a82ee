import type { EventLine } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { EventLog } from './event-log.ts';

const line = (n: number): EventLine => ({ kind: 'fact', atMs: n, what: `${n}` });
const numbers = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((one) => (JSON.parse(one) as EventLine).what);
const open = () => new EventLog(() => 7);

async function take(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string[] | 'ended'> {
  const { done, value } = await reader.read();
  return done ? 'ended' : numbers(new TextDecoder().decode(value));
}

test('keeps the last thousand', () => {
  const log = open();
  for (let n = 1; n <= 1_050; n += 1) log.add(line(n));
  const kept = numbers(log.text);
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, '51', '1050']);
});

test('who follows hears what was kept, then each new line, and the end', async () => {
  const log = open();
  log.add(line(1));
  const reader = log.follow().getReader();
  expect(await take(reader)).toEqual(['1']);
  const next = take(reader);
  log.add(line(2));
  expect(await next).toEqual(['2']);
  log.add(line(3));
  log.close();
  expect(await take(reader)).toEqual(['3']);
  expect(await take(reader)).toBe('ended');
});

test('who does not keep up loses the oldest and is told; the others hear all', async () => {
  const log = open();
  const slow = log.follow().getReader();
  log.add(line(0));
  expect(await take(slow)).toEqual(['0']);
  for (let n = 1; n <= 1_005; n += 1) log.add(line(n));
  const heard = await take(slow);
  expect(heard).toHaveLength(1_001);
  expect(heard.slice(0, 2)).toEqual(['5 lines are missing', '6']);
  log.add(line(0));
  expect(await take(slow)).toEqual(['0']);
});

test('who has gone is not kept for', async () => {
  const log = open();
  const reader = log.follow().getReader();
  await reader.cancel();
  log.add(line(1));
  expect(await take(reader)).toBe('ended');
});

test('a beat is an empty line where nothing new was said, and no line of its own', async () => {
  const log = open();
  log.add(line(1));
  const reader = log.follow().getReader();
  expect(await take(reader)).toEqual(['1']);
  const next = reader.read();
  log.beat();
  expect(new TextDecoder().decode((await next).value)).toBe('\n');
  log.add(line(2));
  log.beat();
  expect(await take(reader)).toEqual(['2']);
});

test('nothing is kept for who has not begun to read; the end is heard all the same', async () => {
  const log = open();
  const late = log.follow().getReader();
  for (let n = 1; n <= 1_005; n += 1) log.add(line(n));
  log.close();
  const heard = await take(late);
  expect([heard.length, heard[0]]).toEqual([1_000, '6']);
  expect(await take(late)).toBe('ended');
});
