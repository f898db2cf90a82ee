import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, type MeshEntries, readCache, realClock, writeCache } from '@fairway/bus';
import { describe, type Log } from '@fairway/telemetry';

/** A burst of changes is written once, this long after its first. */
const gatherMs = 1_000;

/** The node's last complete mesh on its disk, so that a node that starts without the bus goes on where it was. */
export class MeshFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, log: Log, clock: Clock = realClock) {
    this.#path = path;
    this.#log = log;
    this.#clock = clock;
  }

  /** The mesh saved for this swarm; undefined where there is none that can be used, which is logged. */
  async read(swarm: string): Promise<MeshEntries | undefined> {
    try {
      return readCache(swarm, await readFile(this.#path, 'utf8'));
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!missing) {
        this.#log.warn('the saved mesh is not used; the mesh is read from the bus', {
          path: this.#path,
          reason: describe(error),
        });
      }
      return undefined;
    }
  }

  /** Saves, soon, what `entries` answers then; undefined is not saved. A full disk is logged and costs nothing else. */
  save(swarm: string, entries: () => MeshEntries | undefined): void {
    this.#cancel ??= this.#clock.after(gatherMs, () => {
      this.#cancel = undefined;
      this.#writing = this.#writing.then(() => this.#write(swarm, entries()));
    });
  }

  /** Resolves when nothing is being written; what was gathered and not begun is left out. */
  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#writing;
  }

  /** Beside the old file, synced, then in its place: a reader finds one or the other whole. */
  async #write(swarm: string, mesh: MeshEntries | undefined): Promise<void> {
    if (!mesh) return;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const beside = `${this.#path}.new`;
      const file = await open(beside, 'w', 0o600);
      try {
        await file.writeFile(writeCache(swarm, mesh));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, this.#path);
    } catch (error) {
      this.#log.warn('the mesh could not be saved; a restart without the bus would use an older one', {
        reason: describe(error),
      });
    }
  }
}
