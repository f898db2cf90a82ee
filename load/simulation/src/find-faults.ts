import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What became of a planted fault: the first line that tells of it, or undefined where it was not found. */
export type Found = { readonly fault: string; readonly line: string | undefined; readonly seconds: number };

/** The folder of the project. */
export const project = fileURLToPath(new URL('../../../', import.meta.url));
const faults = fileURLToPath(new URL('../faults/', import.meta.url));
/** What a run of the simulation takes of the project. */
const parts = ['load/simulation', 'services', 'shared', 'package.json'];

/** The names of the faults that are kept as patches. */
export function plantedFaults(): string[] {
  return readdirSync(faults)
    .filter((file) => file.endsWith('.patch'))
    .map((file) => basename(file, '.patch'))
    .sort();
}

/** The file that plants a fault. */
export function patchOf(fault: string): string {
  return join(faults, `${fault}.patch`);
}

/**
 * Plants a fault in a copy of the project and tries so many seeds there.
 *
 * @throws {Error} where the patch does not fit the code any more.
 */
export function findFault(fault: string, seeds: number): Found {
  const copy = mkdtempSync(join(tmpdir(), 'fairway-fault-'));
  try {
    for (const part of parts) {
      // Packages lean on each other by relative links, which must lead to the copy's.
      cpSync(join(project, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
    }
    symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
    const patched = spawnSync('git', ['apply', patchOf(fault)], { cwd: copy, encoding: 'utf8' });
    if (patched.status !== 0) throw new Error(`${fault} does not fit: ${patched.stderr || patched.error?.message}`);
    const startMs = performance.now();
    const args = ['load/simulation/src/main.ts', '--seeds', `1..${seeds}`, '--failures', '1'];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
    const seconds = (performance.now() - startMs) / 1000;
    const line = stdout.split('\n').find((text) => / fails: /.test(text));
    return { fault, line: status === 0 ? undefined : line, seconds };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
