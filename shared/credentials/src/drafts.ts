import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Makes a folder beside the one that is to be, for this process to complete. Of mode 0700, by mkdtemp's own contract. */
export function makeDraft(dir: string): Promise<string> {
  return mkdtemp(`${dir}.${process.pid}.`);
}

/** What processes that run no more left beside it. */
export async function removeDrafts(dir: string): Promise<void> {
  const [parent, begin] = [dirname(dir), `${basename(dir)}.`];
  for (const name of await readdir(parent)) {
    const [pid, random, ...rest] = name.startsWith(begin) ? name.slice(begin.length).split('.') : [];
    if (random?.length !== 6 || rest.length > 0 || !/^\d+$/.test(pid ?? '') || existsSync(`/proc/${pid}`)) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}
