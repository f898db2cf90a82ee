import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that says something in lines, each told with when it was heard, milliseconds since 1970. */
export type Speaker = { stop(): void };

/** Starts a program and hears its lines until it is stopped; what it says on standard error is shown. */
export function listen(argv: readonly string[], hear: (line: string, atMs: number) => void): Speaker {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => hear(line, performance.timeOrigin + performance.now()));
  return { stop: () => void child.kill() };
}
