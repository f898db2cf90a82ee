import { expect, test } from 'vitest';
import { printable } from './printable.ts';

test('a name that would clear the screen, or a C1 control, is shown and not obeyed', () => {
  expect(printable('web\u001b[2J\r\u009b31m\u007f')).toBe('web\\x1b[2J\\x0d\\x9b31m\\x7f');
});

test('lines, tabs and letters of all languages are left as they are', () => {
  const text = 'ServiceName\tü 日本 🚢\n';
  expect(printable(text)).toBe(text);
});
