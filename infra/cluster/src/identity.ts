import { readFileSync } from 'node:fs';

/**
 * One process, and never another one that was given the same pid later: the kernel's start time and boot id tell
 * them apart.
 */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks after boot. */
  startTicks: number;
  bootId: string;
}

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** What /proc/PID/stat says of a process: its first thread's state, and how many threads it still has. */
type ProcessStat = { state: string; threads: number; startTicks: number };

/** Reads /proc/PID/stat, whose second field may hold spaces and parentheses. */
export function parseStat(stat: string): ProcessStat {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '?', threads: Number(fields[17]), startTicks: Number(fields[19]) };
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Identity of a running process, or undefined when there is none of this pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTicks: stat.startTicks, bootId: readBootId() };
}

/**
 * Whether this very process still runs. A zombie does not, once its last thread has ended: a killed process's first
 * thread may be a zombie while others still hold its sockets, and its port is not free before they are gone.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return (
    stat !== undefined &&
    (!['Z', 'X'].includes(stat.state) || stat.threads > 1) &&
    stat.startTicks === identity.startTicks &&
    identity.bootId === readBootId()
  );
}
