import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { keptLines, tellingLines } from './kernel-log.ts';
import { lines, type Machine, qemuArguments } from './machine.ts';
import { connectTerminal } from './terminal.ts';

/** The guest ended, or did not come up, without having said how its job ended. */
class GuestLost extends Error {
  constructor(what: string, kernelSaid: string) {
    super(`${what}. The last lines of its kernel:\n\n${kernelSaid}\n`);
    this.name = 'GuestLost';
  }
}

/** The lab's time was over before its job. */
export class LimitPassed extends Error {
  /** As `timeout` has it. */
  readonly status = 124;

  constructor(limitMs: number, kernelSaid: string) {
    super(
      `The lab was ended after ${limitMs / 60_000} minutes, see --limit. The last lines of its kernel:\n\n${kernelSaid}\n`,
    );
    this.name = 'LimitPassed';
  }
}

export interface GuestOptions {
  limitMs: number;
  /** Whether the job is a shell, on this process's terminal. */
  shell: boolean;
  /** Ends the guest, and is then thrown. */
  signal: AbortSignal;
  /** Is told when the guest is up. */
  onUp: () => void;
}

/** It takes 3 s alone on a machine, and several times that beside other work. */
const bootLimitMs = 120_000;

/**
 * Runs a machine until its job has ended, and returns the job's status. What the job prints has been handed on by then,
 * and nothing of the machine is left, however it ends: it dies with this process too. Throws GuestLost, LimitPassed, and
 * the signal's reason.
 */
export async function runGuest(machine: Machine, options: GuestOptions): Promise<number> {
  const ended = new AbortController();
  const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', ...Object.keys(lines).map(() => 'pipe' as const)];
  // In a session of its own, so that a Ctrl-C reaches this process alone.
  const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...qemuArguments(machine)], {
    detached: true,
    stdio,
  });
  const line = (name: keyof typeof lines) => lineOf(qemu, name);
  const closed = once(qemu, 'close');
  const kernelSaid = keepLast(qemu);
  pass(line('out'), process.stdout);
  pass(line('err'), process.stderr);
  const terminal = options.shell ? connectTerminal(line('terminal'), line('control')) : undefined;
  try {
    return await new Promise<number>((resolve, reject) => {
      const within = (limitMs: number, failure: () => Error) => {
        const timer = setTimeout(() => reject(failure()), limitMs);
        ended.signal.addEventListener('abort', () => clearTimeout(timer));
        return timer;
      };
      const boot = within(
        bootLimitMs,
        () => new GuestLost(`The lab's machine was not up after ${bootLimitMs / 1000} s`, kernelSaid()),
      );
      within(options.limitMs, () => new LimitPassed(options.limitMs, kernelSaid()));
      createInterface({ input: line('control') }).on('line', (text) => {
        const [word, ...rest] = text.split(' ');
        if (word === 'up') {
          clearTimeout(boot);
          options.onUp();
        } else if (word === 'status') resolve(Number(rest[0]));
        else reject(new GuestLost(`The lab's machine could not be set up: ${rest.join(' ')}`, kernelSaid()));
      });
      closed.then(() => reject(new GuestLost("The lab's machine ended before its job", kernelSaid())), reject);
      const interrupted = () => reject(options.signal.reason);
      options.signal.addEventListener('abort', interrupted, { once: true, signal: ended.signal });
      if (options.signal.aborted) interrupted();
    });
  } finally {
    ended.abort();
    // Nothing of it is to be kept, so nothing needs to be told.
    qemu.kill('SIGKILL');
    await closed.catch(() => {});
    terminal?.disconnect();
  }
}

/** Node makes a pipe that both sides write to of a pair of sockets. */
function lineOf(qemu: ChildProcess, name: keyof typeof lines): Duplex {
  return qemu.stdio.at(lines[name]) as Duplex;
}

/** Hands a line on. When nobody takes it any more the guest must not wait for that. */
function pass(line: Duplex, to: NodeJS.WriteStream): void {
  line.pipe(to, { end: false });
  to.once('error', () => line.resume());
}

/** Reads what the kernel and qemu say, and keeps the end of it. */
function keepLast(qemu: ChildProcess): () => string {
  const last: string[] = [];
  for (const input of [lineOf(qemu, 'kernel'), qemu.stderr]) {
    if (!input) continue;
    createInterface({ input }).on('line', (text) => {
      last.push(text);
      if (last.length > keptLines) last.shift();
    });
  }
  return () => tellingLines(last).join('\n') || 'it said nothing';
}
