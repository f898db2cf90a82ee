import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { makeCgroup } from './cgroup.ts';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';
import { patience, until } from './wait.ts';

/** How a part of a cluster is started, again and again if need be: all of it is data, kept in the state file. */
export interface ProcessRecord {
  name: string;
  /** The whole command, entering of namespaces included. */
  argv: string[];
  env: Record<string, string>;
  logFile: string;
  cgroup: string;
  /** Last process started from this record, running or not. */
  last?: ProcessIdentity;
}

/** A part of a cluster could not be started, or ended at once. `said` is the end of its log. */
export class StartFailed extends Error {
  readonly part: string;

  constructor(part: string, logFile: string, said: string, cause?: unknown) {
    super(`${part} did not start. The end of ${logFile}:\n${said}`, { cause });
    this.name = 'StartFailed';
    this.part = part;
  }
}

/** A process was told to end (SIGTERM), did not within the limit, and was killed. */
export class EndedByForce extends Error {
  constructor(part: string, limitMs: number) {
    super(`${part} did not end within ${limitMs / 1000} s of SIGTERM and was killed`);
    this.name = 'EndedByForce';
  }
}

/** Last lines of a log; empty when there is none. */
export function logTail(logFile: string, lines: number): string {
  if (!existsSync(logFile)) return '';
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * Starts a part and returns who it is. It has a session of its own, so that a Ctrl-C in the terminal reaches only the
 * one that takes the cluster down in order; and little of the environment, so that it is the same whoever starts it.
 */
export async function startProcess(record: ProcessRecord): Promise<ProcessIdentity> {
  const log = openSync(record.logFile, 'a');
  const child = spawn('/bin/bash', ['-c', 'echo $$ >"$0" && exec "$@"', makeCgroup(record.cgroup), ...record.argv], {
    detached: true,
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: process.env.HOME ?? '/root', LANG: 'C.UTF-8', ...record.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new StartFailed(record.name, record.logFile, cause.message, cause)));
  });
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (!identity) throw new StartFailed(record.name, record.logFile, logTail(record.logFile, 10));
  return identity;
}

/** Sends SIGTERM and waits for the end. Throws EndedByForce when it took SIGKILL. */
export async function stopProcess(part: string, identity: ProcessIdentity, limitMs = 10_000): Promise<void> {
  if (!isAlive(identity)) return;
  process.kill(identity.pid, 'SIGTERM');
  try {
    await until(`${part} to end`, () => !isAlive(identity) || 'it still runs', { limitMs, everyMs: 10 });
  } catch {
    await killProcess(part, identity);
    throw new EndedByForce(part, limitMs * patience());
  }
}

/** Sends SIGKILL and waits until the process is gone. */
export async function killProcess(part: string, identity: ProcessIdentity): Promise<void> {
  if (!isAlive(identity)) return;
  process.kill(identity.pid, 'SIGKILL');
  await until(`${part} to be gone`, () => !isAlive(identity) || 'it still runs', { limitMs: 10_000, everyMs: 5 });
}
