import { expect, test } from 'vitest';
import { tellingLines } from './kernel-log.ts';

const numbered = (count: number, of: string) => Array.from({ length: count }, (_, line) => `${of} ${line}`);

test('without a panic the last lines', () => {
  expect(tellingLines(numbered(100, 'boot'))).toEqual(numbered(100, 'boot').slice(75));
});

test('a panic and what came before it, not its trace', () => {
  const log = ['mount: no such device', '[ 3.6] Kernel panic - not syncing', ...numbered(50, '?')];
  expect(tellingLines(log)).toEqual(log.slice(0, 2));
});
