import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Sandbox, sandboxOfFile } from './kernel.ts';

/** `statfs` type of a file that is a mounted namespace (NSFS_MAGIC, linux/magic.h). Docker's file is empty before. */
const nsfs = 0x6e736673;

/** How often the sandboxes are looked at where no event tells of a change. */
const checkMs = 10_000;

/**
 * For so long after an event the sandboxes are looked at often: Docker creates the file first (an event) and mounts the
 * namespace on it then (no event), and on its way out unmounts first.
 */
const settleMs = 1_000;
const settleStepMs = 20;

/**
 * The identity of the network namespace mounted at a path, undefined where there is none. The inode alone does not do:
 * Linux gives a freed number to the next namespace. So the time at which the inode came to be is part of it; a mounted
 * namespace keeps its inode in memory.
 */
export async function namespaceId(path: string): Promise<string | undefined> {
  try {
    const [file, system] = await Promise.all([stat(path, { bigint: true }), statfs(path)]);
    return system.type === nsfs ? `${file.ino}@${file.ctimeNs}` : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a namespace is mounted at a path; unlike above, one that cannot be looked at is not taken for none. */
export async function isNamespace(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === nsfs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** The sandboxes in Docker's folder of namespaces, each with its identity; none while there is no folder. */
export async function listSandboxes(folder: string): Promise<Map<Sandbox, string>> {
  const files = await readdir(folder).catch(() => []);
  const found = new Map<Sandbox, string>();
  for (const file of files) {
    const sandbox = sandboxOfFile(file);
    const id = sandbox && (await namespaceId(join(folder, file)));
    if (sandbox && id) found.set(sandbox, id);
  }
  return found;
}

/** Calls `onChange` whenever a sandbox in the folder becomes another namespace, appears or goes. */
export function watchSandboxes(folder: string, onChange: (sandbox: Sandbox, id: string | undefined) => void) {
  let known: ReadonlyMap<Sandbox, string> = new Map();
  let closed = false;
  let events: FSWatcher | undefined;
  let settle: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();

  const look = () => {
    looking = looking.then(async () => {
      const found = await listSandboxes(folder);
      if (closed) return;
      const before = known;
      known = found;
      for (const sandbox of new Set([...before.keys(), ...found.keys()])) {
        const id = found.get(sandbox);
        if (before.get(sandbox) !== id) onChange(sandbox, id);
      }
    });
  };
  const lookOften = () => {
    clearInterval(settle);
    const steps = settleMs / settleStepMs;
    let step = 0;
    settle = setInterval(() => {
      step += 1;
      if (step >= steps) clearInterval(settle);
      look();
    }, settleStepMs);
    look();
  };
  const listen = () => {
    if (events) return;
    try {
      // The folder comes with dockerd; until then the check below is all there is.
      events = watch(folder, (_, file) => {
        if (file === null || sandboxOfFile(file)) lookOften();
      });
      events.on('error', () => {
        events?.close();
        events = undefined;
      });
    } catch {
      events = undefined;
    }
  };

  listen();
  look();
  const check = setInterval(() => {
    listen();
    look();
  }, checkMs);
  return {
    close() {
      closed = true;
      clearInterval(check);
      clearInterval(settle);
      events?.close();
    },
  };
}
