import { spawn } from 'node:child_process';

/** What a program said and how it ended. `status` is 128 + the signal's number when a signal ended it, as in a shell. */
export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Ends the program with SIGKILL after this long. Default: no limit. */
  limitMs?: number;
}

/** A program ended with another status than 0, or could not be started at all (`status` is then 127). */
export class CommandFailed extends Error {
  readonly argv: readonly string[];
  readonly result: CommandResult;

  constructor(argv: readonly string[], result: CommandResult) {
    const said = (result.stderr.trim() || result.stdout.trim() || 'it said nothing').slice(-2000);
    super(`\`${argv.join(' ')}\` ended with status ${result.status}: ${said}`);
    this.name = 'CommandFailed';
    this.argv = argv;
    this.result = result;
  }
}

const signalNumbers: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

/** Runs a program to its end and returns what it said, whatever its status. Never rejects. */
export function attempt(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.limitMs === undefined ? {} : { timeout: options.limitMs, killSignal: 'SIGKILL' as const }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (cause) => resolve({ status: 127, stdout, stderr: cause.message }));
    child.on('close', (code, signal) => {
      resolve({ status: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), stdout, stderr });
    });
  });
}

/** Runs a program to its end and returns its stdout. Throws CommandFailed on any status but 0. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await attempt(argv, options);
  if (result.status !== 0) throw new CommandFailed(argv, result);
  return result.stdout;
}
