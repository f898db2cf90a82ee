import { expect, test } from 'vitest';
import { ArgumentsInvalid, parseArguments } from './arguments.ts';

test('the suite within 30 minutes unless told otherwise', () => {
  expect(parseArguments([])).toEqual({ help: false, job: { kind: 'suite' }, limitMs: 1_800_000 });
});

test('one command, which keeps its spaces, and a limit', () => {
  expect(parseArguments(['--limit', '3', 'uname -r; ls'])).toMatchObject({
    job: { kind: 'command', command: 'uname -r; ls' },
    limitMs: 180_000,
  });
});

test('a shell stays for a day', () => {
  expect(parseArguments(['--shell'])).toMatchObject({ job: { kind: 'shell' }, limitMs: 86_400_000 });
});

test.each([
  [['uname', '-r']],
  [['uname', 'r']],
  [[' ']],
  [['--shell', 'true']],
  [['--limit', '0']],
  [['--limit', 'soon']],
  [['--limit', '1441']],
  [['--once', 'true']],
])('%j is refused with the usage', (args) => {
  expect(() => parseArguments(args)).toThrow(ArgumentsInvalid);
  expect(() => parseArguments(args)).toThrow('Usage: npm run lab');
});
