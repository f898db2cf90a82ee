import { existsSync } from 'node:fs';
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderBusy } from './failures.ts';

/** Writes a file of mode 0600 in one piece: whoever reads it, and a machine that loses power, has the old or the new. */
export async function writeSecret(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** Works in a folder as the only one. @throws {FolderBusy}, or what the file system says */
export async function withLock<Result>(dir: string, work: () => Promise<Result>): Promise<Result> {
  const lock = join(dir, 'lock');
  await take(dir, lock);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(dir: string, lock: string): Promise<void> {
  // The lock appears with its owner's number in it.
  const draft = `${lock}.${process.pid}`;
  await writeFile(draft, `${process.pid}`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        return await link(draft, lock);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      }
      const pid = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (pid > 0 && existsSync(`/proc/${pid}`)) throw new FolderBusy(dir, pid);
      // Its owner was killed.
      await rm(lock, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}
