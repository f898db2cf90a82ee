import { type FSWatcher, watch } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** `statfs` type of a file that is a mounted namespace (NSFS_MAGIC, linux/magic.h). Docker's file is empty before. */
const nsfs = 0x6e736673;

/** How often the sandbox is looked at where no event tells of a change. */
const checkMs = 10_000;

/**
 * For so long after an event the sandbox is looked at often: Docker creates the file first (an event) and mounts the
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

/** Calls `onChange` whenever `ingress_sbox` in the folder becomes another namespace, appears or goes. */
export function watchNamespace(
  folder: string,
  name: string,
  onChange: (id: string | undefined) => void,
): { close(): void } {
  const path = join(folder, name);
  let known: { id: string | undefined } | undefined;
  let closed = false;
  let events: FSWatcher | undefined;
  let settle: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();

  const look = () => {
    looking = looking.then(async () => {
      const id = await namespaceId(path);
      if (closed) return;
      const changed = known !== undefined && known.id !== id;
      known = { id };
      if (changed) onChange(id);
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
        if (file === null || file === name) lookOften();
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
