import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where a node keeps what is to outlive its processes. */
export type Disk = {
  /** The file's text; undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Puts a text in the file's place: a reader, or one who comes after a crash, finds one or the other whole. */
  replace(path: string, text: string): Promise<void>;
};

/** The machine's own disk. */
export const machineDisk: Disk = {
  async read(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  async replace(path, text) {
    await mkdir(dirname(path), { recursive: true });
    const beside = `${path}.new`;
    const file = await open(beside, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  },
};
