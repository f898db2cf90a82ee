import { type Clock, type MeshEntries, readCache, realClock, writeCache } from '@fairway/bus';
import { describe, type Log } from '@fairway/telemetry';
import { type Disk, machineDisk } from './disk.ts';

/** A burst of changes is written once, this long after its first. */
const gatherMs = 1_000;

/** The node's last complete mesh on its disk, so that a node that starts without the bus goes on where it was. */
export class MeshFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #disk: Disk;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, log: Log, clock: Clock = realClock, disk: Disk = machineDisk) {
    this.#path = path;
    this.#log = log;
    this.#clock = clock;
    this.#disk = disk;
  }

  /** The mesh saved for this swarm; undefined where there is none that can be used, which is logged. */
  async read(swarm: string): Promise<MeshEntries | undefined> {
    try {
      const text = await this.#disk.read(this.#path);
      return text === undefined ? undefined : readCache(swarm, text);
    } catch (error) {
      this.#log.warn('the saved mesh is not used; the mesh is read from the bus', {
        path: this.#path,
        reason: describe(error),
      });
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

  async #write(swarm: string, mesh: MeshEntries | undefined): Promise<void> {
    if (!mesh) return;
    try {
      await this.#disk.replace(this.#path, writeCache(swarm, mesh));
    } catch (error) {
      this.#log.warn('the mesh could not be saved; a restart without the bus would use an older one', {
        reason: describe(error),
      });
    }
  }
}
