import { type Scheduler, schedulers } from '@fairway/mesh';
import { runCommand } from './command.ts';
import { CommandFailed, CommandMissing } from './failures.ts';

/** What the machine can do with IPVS. */
export type IpvsSupport =
  | { readonly schedulers: ReadonlySet<Scheduler> }
  /** What is missing, and how to get it. */
  | { readonly missing: string; readonly get: string };

const limitMs = 30_000;

/** A service for each scheduler, each by a mark of its own; the kernel loads the modules as they are asked for. */
const askForEach = schedulers.map((one, at) => `ipvsadm -A -f ${at + 1} -s ${one} && echo ${one}`).join('; ');

/** Tries each scheduler, in a network namespace of its own that ends with the try. */
export async function ipvsSupport(): Promise<IpvsSupport> {
  try {
    const listed = await runCommand('unshare', ['--net', 'sh', '-c', `ipvsadm -S -n && { ${askForEach}; true; }`], {
      limitMs,
    });
    const found = listed.split('\n');
    return { schedulers: new Set(schedulers.filter((one) => found.includes(one))) };
  } catch (error) {
    if (!(error instanceof CommandFailed) && !(error instanceof CommandMissing)) throw error;
    // The shell's status for a program that is not there (POSIX sh, 2.8.2).
    if (error instanceof CommandFailed && error.status === 127) {
      return { missing: 'the program ipvsadm', get: 'apt-get install ipvsadm' };
    }
    // ipvsadm 1.31, where the kernel does not know its socket option; anything else is no word on the kernel.
    if (error instanceof CommandFailed && !error.stderr.includes("Can't initialize ipvs"))
      return { missing: 'what ipvsadm needs', get: error.message };
    return { missing: "the kernel's module ip_vs", get: 'modprobe ip_vs, or a kernel that has it' };
  }
}
