import type { Note } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { expect, test } from 'vitest';
import { Refusals } from './refusals.ts';

test('what is refused is named once for as long as it is, and of a great many some', () => {
  const said: unknown[] = [];
  const say = (message: string, fields?: Record<string, unknown>) => void said.push(fields?.about ?? message);
  const log: Log = { debug: say, info: say, warn: say, error: say, with: () => log };
  const refusals = new Refusals(log);
  const note = (about: string, kind: Note['kind'] = 'refused'): Note => ({ kind, about, why: 'for a reason' });
  refusals.say([note('web'), note('api', 'waiting')]);
  refusals.say([note('web'), note('db')]);
  expect(said.splice(0)).toEqual(['web', 'db']);
  refusals.say([]);
  refusals.say([note('web')]);
  expect(said.splice(0)).toEqual(['web']);
  refusals.say(Array.from({ length: 30 }, (_, n) => note(`web${n}`)));
  expect(said).toHaveLength(21);
});
