import { expect, test } from 'vitest';
import { readProbe, readQuestion, readRequest } from '../answer.ts';
import { Unreadable } from '../parse-text.ts';
import { readTold, writeTold } from './told.ts';

test.each([{}, { waitMs: 20 }, { failed: 'why' }])('%o is read as it was written, with a version', (told) => {
  expect(JSON.parse(writeTold(told))).toMatchObject({ told: 1 });
  expect(readTold(writeTold(told))).toEqual(told);
});

test('an answer of the release before has no version, and one of a version that nobody reads is a failure', () => {
  expect(readTold('{"waitMs":5}')).toEqual({ waitMs: 5 });
  for (const text of ['{"told":2}', '{"waitMs":-1}', '{"waitMs":1e9}', '[', ''])
    expect(readTold(text)).toEqual({ failed: 'an answer that cannot be read' });
});

test('it is no question and no request to a node, to which an asker may have it come', () => {
  for (const text of [writeTold({}), writeTold({ waitMs: 20 }), writeTold({ failed: 'why' })]) {
    expect(() => readQuestion('fairway.ask.n1.rules', text)).toThrow(Unreadable);
    expect(() => readRequest('fairway.ask.n1.install', text, 'install')).toThrow(Unreadable);
    expect(() => readProbe('fairway.ask.n1.probe', text)).toThrow(Unreadable);
  }
});
