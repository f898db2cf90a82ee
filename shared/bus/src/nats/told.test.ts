import { expect, test } from 'vitest';
import { readTold, writeTold } from './told.ts';

test.each([{}, { waitMs: 20 }, { failed: 'why' }])('%o is read as it was written, with a version', (told) => {
  expect(JSON.parse(writeTold(told))).toMatchObject({ schema: 1 });
  expect(readTold(writeTold(told))).toEqual(told);
});

test('an answer of the release before has no version, and one of a version that nobody reads is a failure', () => {
  expect(readTold('{"waitMs":5}')).toEqual({ waitMs: 5 });
  for (const text of ['{"schema":2}', '{"waitMs":-1}', '{"waitMs":1e9}', '[', ''])
    expect(readTold(text)).toEqual({ failed: 'an answer that cannot be read' });
});
