import { join } from 'node:path';
import { projectDir, toolsDir } from './project.ts';

/**
 * What keeps a service small. V8 lets its young generation grow to 16 MB a half, of which a service that makes little
 * garbage at a time has no use; and with its code cached, Node need not load what strips types (20 MB). Its heap is bounded,
 * far above what a large swarm takes (load/results/footprint.md): V8 otherwise goes up to gigabytes before it gives in. A
 * service that comes to the bound ends, and is to be started again; nothing that it had is lost by that.
 */
const heapMaxMb = 512;
const flags = ['--max-semi-space-size=1', `--max-old-space-size=${heapMaxMb}`];
export const compileCacheDir = join(toolsDir, 'compile-cache');

/** Services, and the command: what has a main of its own. */
export const programs = ['decider', 'console', 'sentinel', 'node', 'cli'] as const;

export type Program = (typeof programs)[number];

export function sourceFile(program: Program): string {
  return join(projectDir, 'services', program, 'src/main.ts');
}

/** The program as one file, which only the lab makes, before its boot, and only the lab's guest runs. */
export function bundleFile(program: Program): string {
  return join(toolsDir, 'bundles', `${program}.js`);
}

/** What makes credentials, as one file too: Vitest takes 40 s of the guest's processors to load it from its sources. */
export const credentialsBundle = join(toolsDir, 'bundles/credentials.js');

/** The lab's guest is told the checkout that it sees, and whose bundles are made. */
export function formHere(): 'source' | 'bundle' {
  return process.env.FAIRWAY_LAB_PROJECT === projectDir ? 'bundle' : 'source';
}

/** Runs a service's or the command's main with the Node that runs this. */
export function programArgv(program: Program, form = formHere()): string[] {
  return [process.execPath, ...flags, form === 'bundle' ? bundleFile(program) : sourceFile(program)];
}
