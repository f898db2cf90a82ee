import { type Clock, type MeshEntries, readCache, writeCache } from '@fairway/bus';
import { describe, type Log } from '@fairway/telemetry';
import type { Disk } from './disk.ts';
import { SavedFile } from './saved-file.ts';

/** The node's last complete mesh on its disk, so that a node that starts without the bus goes on where it was. */
export class MeshFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #file: SavedFile;

  constructor(path: string, log: Log, clock?: Clock, disk?: Disk) {
    this.#path = path;
    this.#log = log;
    const onFailure = (error: unknown) =>
      log.warn('the mesh could not be saved; a restart without the bus would use an older one', {
        reason: describe(error),
      });
    this.#file = new SavedFile({ path, onFailure, clock, disk });
  }

  /** The mesh saved for this swarm; undefined where there is none that can be used, which is logged. */
  async read(swarm: string): Promise<MeshEntries | undefined> {
    try {
      const text = await this.#file.read();
      return text === undefined ? undefined : readCache(swarm, text);
    } catch (error) {
      this.#log.warn('the saved mesh is not used; the mesh is read from the bus', {
        path: this.#path,
        reason: describe(error),
      });
      return undefined;
    }
  }

  /** Saves, soon, what `entries` answers then; undefined is not saved. */
  save(swarm: string, entries: () => MeshEntries | undefined): void {
    this.#file.save(async () => {
      const mesh = entries();
      return mesh && writeCache(swarm, mesh);
    });
  }

  /** Resolves when nothing is being written; what was gathered and not begun is left out. */
  stop(): Promise<void> {
    return this.#file.stop();
  }
}
