import { expect, test } from 'vitest';
import { runCommand } from './command.ts';
import { CommandFailed, CommandHung, CommandMissing } from './failures.ts';

const limitMs = 5_000;

test('input of any size can be opened as /dev/stdin, as nft does', async () => {
  const input = 'å line\n'.repeat(200_000);
  expect(await runCommand('sh', ['-c', 'cat /dev/stdin'], { limitMs, input })).toBe(input);
});

test('a failure keeps what the command said', async () => {
  const failure = await runCommand('sh', ['-c', 'echo no such thing >&2; exit 3'], { limitMs }).catch((error) => error);
  expect(failure).toBeInstanceOf(CommandFailed);
  expect(failure).toMatchObject({ status: 3, stderr: 'no such thing\n' });
});

test('one that hangs is killed, even while a child of it keeps its output open', async () => {
  const start = performance.now();
  const hung = runCommand('sh', ['-c', 'sleep 3 & wait'], { limitMs: 50 });
  await expect(hung).rejects.toThrow(CommandHung);
  expect(performance.now() - start).toBeLessThan(2_000);
});

test('one that is not there', async () => {
  await expect(runCommand('no-such-command', [], { limitMs })).rejects.toThrow(CommandMissing);
});
