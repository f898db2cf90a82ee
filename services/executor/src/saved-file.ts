import { type Clock, realClock } from '@fairway/bus';
import { type Disk, machineDisk } from './disk.ts';

type Options = {
  readonly path: string;
  /** Told why it could not be written; a full disk costs nothing else. */
  readonly onFailure: (error: unknown) => void;
  readonly clock?: Clock | undefined;
  readonly disk?: Disk | undefined;
};

/** A burst of changes is written once, this long after its first. */
const gatherMs = 1_000;

/** A file that says what a node goes on by when it starts without those who know. */
export class SavedFile {
  readonly #path: string;
  readonly #onFailure: (error: unknown) => void;
  readonly #clock: Clock;
  readonly #disk: Disk;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor({ path, onFailure, clock = realClock, disk = machineDisk }: Options) {
    this.#path = path;
    this.#onFailure = onFailure;
    this.#clock = clock;
    this.#disk = disk;
  }

  /** What it says; undefined where there is none. Rejects where it cannot be read. */
  read(): Promise<string | undefined> {
    return this.#disk.read(this.#path);
  }

  /** Writes, soon, what `text` answers then; undefined is not written. */
  save(text: () => Promise<string | undefined>): void {
    this.#cancel ??= this.#clock.after(gatherMs, () => {
      this.#cancel = undefined;
      this.#writing = this.#writing.then(() => this.#write(text));
    });
  }

  /** Resolves when nothing is being written; what was gathered and not begun is left out. */
  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#writing;
  }

  async #write(say: () => Promise<string | undefined>): Promise<void> {
    try {
      const text = await say();
      if (text !== undefined) await this.#disk.replace(this.#path, text);
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
