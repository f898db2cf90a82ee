import { existsSync } from 'node:fs';
import { CredentialsFailure, FolderUnusable } from './failures.ts';

/** What the file system refuses is told in one line. @throws {FolderUnusable} */
export async function folderFailing<Result>(dir: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (cause instanceof CredentialsFailure || code === undefined) throw cause;
    const isNone = code === 'ENOENT' && !existsSync(dir);
    const why = isNone ? 'there are no credentials; make them with fairway credentials init' : message;
    throw new FolderUnusable(dir, why, { cause });
  }
}
