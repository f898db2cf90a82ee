import { readFileSync } from 'node:fs';

/** USER_HZ, in which /proc/PID/stat counts (proc(5)); 100 on every Linux that Fairway runs on. */
const ticksPerSecond = 100;

/** Resident memory of a process, MiB. */
export function residentMb(pid: number): number {
  return statusMb(pid, 'VmRSS');
}

/** The most resident memory that a process has had, MiB. */
export function mostResidentMb(pid: number): number {
  return statusMb(pid, 'VmHWM');
}

function statusMb(pid: number, line: string): number {
  return (
    Number(new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  );
}

/** User and system time, fields 14 and 15 of proc(5). The name before them may hold spaces, and ends with a bracket. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}
