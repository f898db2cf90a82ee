import { expect, test } from 'vitest';
import { remembering } from './remembering.ts';

function counting() {
  const reads: string[] = [];
  const read = remembering((key, text) => {
    reads.push(`${key} ${text.slice(0, 8)}`);
    if (text.startsWith('bad')) throw new Error(`${key} is bad`);
    return { text };
  });
  return { reads, read };
}

test('the same text is read once, whatever its key', () => {
  const { reads, read } = counting();
  expect(read('a', 'x')).toBe(read('b', 'x'));
  expect(reads).toEqual(['a x']);
});

test('what cannot be read is refused each time, by its own key', () => {
  const { read } = counting();
  expect(() => read('a', 'bad')).toThrow('a is bad');
  expect(() => read('b', 'bad')).toThrow('b is bad');
});

test('what was not read for the longest time is forgotten first, and a long text at once', () => {
  const { reads, read } = counting();
  read('a', 'kept');
  for (let n = 0; n < 300; n++) {
    read('a', `${n}`);
    read('a', 'kept');
  }
  read('a', '299');
  expect(reads).toHaveLength(301);
  read('a', '0');
  expect(reads).toHaveLength(302);
  const long = 'long'.repeat(5000);
  read('a', long);
  read('a', long);
  expect(reads).toHaveLength(304);
});
