import { expect, test } from 'vitest';
import { table } from './table.ts';

test('columns are as wide as their widest cell, two spaces apart, and lines end without spaces', () => {
  const rows = [['web', '8000', ''], ['a-longer-name', '1', 'x'], ['short']];
  expect(table(['NAME', 'PORT', 'NOTE'], rows)).toBe(
    ['NAME           PORT  NOTE', 'web            8000', 'a-longer-name  1     x', 'short', ''].join('\n'),
  );
});

test('without rows there is no table', () => {
  expect(table(['NAME'], [])).toBe('');
});
