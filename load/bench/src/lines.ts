import { type ChildProcess, spawn } from 'node:child_process';

/** A program that says something in lines, each told with when it was heard, milliseconds since 1970. */
export type Speaker = { stop(): void };

/** Starts a program and hears its lines until it is stopped; what it says on standard error is shown. */
export function listen(argv: readonly string[], hear: (line: string, atMs: number) => void): Speaker {
  const [program = '', ...args] = argv;
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const atMs = performance.timeOrigin + performance.now();
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) hear(line, atMs);
  });
  return { stop: () => void child.kill() };
}
