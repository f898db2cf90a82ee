import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandFailed, CommandHung, CommandMissing } from './failures.ts';

export type CommandOptions = {
  readonly limitMs: number;
  readonly input?: string;
  /** Told the process that runs it. */
  readonly onStart?: (pid: number) => void;
};

/**
 * Runs a command to its end and gives its standard output. It is killed when it takes longer than `limitMs`.
 *
 * Input goes through an unlinked temporary file: Node's pipes are socket pairs, and nft opens /dev/stdin, which Linux
 * refuses for sockets (ENXIO; nft 1.0.6).
 * @throws CommandFailed, CommandHung, CommandMissing
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  { input, ...options }: CommandOptions,
): Promise<string> {
  const file = input === undefined ? undefined : await unlinkedFile(input);
  try {
    return await untilEnd(command, args, file?.fd, options);
  } finally {
    await file?.close();
  }
}

async function unlinkedFile(content: string) {
  const path = join(tmpdir(), `fairway-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    // At a position, so that the file's own offset, which the child shares, stays at the start.
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) {
      at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function untilEnd(
  command: string,
  args: readonly string[],
  fd: number | undefined,
  { limitMs, onStart }: Omit<CommandOptions, 'input'>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: [fd ?? 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    if (child.pid !== undefined) onStart?.(child.pid);
    const shown = [command, ...args].join(' ');
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk) => stdout.push(chunk));
    child.stderr?.on('data', (chunk) => stderr.push(chunk));
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      // Not on `close`: a grandchild may hold the pipes open for longer than anyone wants to wait.
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(new CommandHung(shown, limitMs));
    }, limitMs);
    child.on('error', (error) => {
      clearTimeout(limit);
      reject(new CommandMissing(command, error));
    });
    child.on('close', (status, signal) => {
      clearTimeout(limit);
      if (status === 0) resolve(Buffer.concat(stdout).toString());
      else {
        const said = Buffer.concat(stderr).toString();
        reject(new CommandFailed(shown, status ?? undefined, said || `ended by ${signal ?? `status ${status}`}`));
      }
    });
  });
}
