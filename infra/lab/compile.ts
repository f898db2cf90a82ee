import { join } from 'node:path';
import { compileCacheDir, programArgv, programs, projectDir, run } from '@fairway/cluster';

/** What is started in the guest and tells its usage. */
const started = [
  ...programs.map((program) => programArgv(program, 'bundle')),
  [process.execPath, join(projectDir, 'infra/dev/main.ts')],
];

/**
 * Has V8's code of what is started in the guest put into the cache, each by a run that only tells its usage. A machine
 * that sees this checkout and whose processor has the same features to V8 then need not compile it, nor strip sources of
 * their types.
 */
export async function compilePrograms(): Promise<void> {
  await Promise.all(started.map((argv) => run([...argv, '--help'], { env: { NODE_COMPILE_CACHE: compileCacheDir } })));
}
