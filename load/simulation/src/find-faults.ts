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
 * Plants a fault in a copy of the project and tries so many seeds there; the first that fails has to pass without it.
 *
 * @throws {Error} where the patch does not fit the code any more, and where the seed fails without the fault as well.
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
    const line = firstFailing(copy, 1, seeds);
    const seconds = (performance.now() - startMs) / 1000;
    const seed = Number(line?.split(' ')[1]);
    const without = line && firstFailing(project, seed, seed);
    if (without) throw new Error(`without ${fault} as well: ${without}`);
    return { fault, line, seconds };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What is said of the first seed that fails in a checkout: `seed 28 fails: n1 lacks …`. */
function firstFailing(checkout: string, first: number, last: number): string | undefined {
  const args = ['load/simulation/src/main.ts', '--seeds', `${first}..${last}`, '--failures', '1'];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: checkout, encoding: 'utf8' });
  return status === 0 ? undefined : stdout.split('\n').find((text) => / fails: /.test(text));
}
