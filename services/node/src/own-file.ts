import { type Clock, readOwn, type SavedOwn, writeOwn } from '@fairway/bus';
import { type Disk, SavedFile } from '@fairway/executor';
import { describe, type Log } from '@fairway/telemetry';

type Options = {
  readonly path: string;
  /** The kernel's boot id. */
  readonly boot: string;
  /** Identity of the ingress sandbox's network namespace; undefined where there is none. */
  readonly namespace: () => Promise<string | undefined>;
  readonly log: Log;
  readonly clock?: Clock | undefined;
  readonly disk?: Disk | undefined;
};

/**
 * What a node knew of itself, on its disk, so that one whose process starts without its Docker goes on where it was. It is
 * good for as long as the ingress sandbox is the same: Docker makes it anew when it starts, and takes it away when the machine
 * leaves its swarm.
 */
export class OwnFile {
  readonly #options: Options;
  readonly #file: SavedFile;

  constructor(options: Options) {
    const { path, log, clock, disk } = options;
    this.#options = options;
    const onFailure = (error: unknown) =>
      log.warn('what this node knows of itself could not be saved; a restart without Docker would wait for it', {
        reason: describe(error),
      });
    this.#file = new SavedFile({ path, onFailure, clock, disk });
  }

  /** What was saved of this sandbox; undefined where there is none that can be used, which is logged. */
  async read(): Promise<SavedOwn | undefined> {
    const { path, boot, namespace, log } = this.#options;
    try {
      const text = await this.#file.read();
      const own = text ? readOwn(path, text) : undefined;
      if (own?.incarnation.boot !== boot || own.namespace === undefined) return undefined;
      return own.namespace === (await namespace()) ? own : undefined;
    } catch (error) {
      log.warn('what this node knew of itself is not used', { path, reason: describe(error) });
      return undefined;
    }
  }

  /** Saves, soon, what it answers then; undefined once the machine has left its swarm. */
  save(own: () => SavedOwn | undefined): void {
    this.#file.save(async () => {
      const namespace = await this.#options.namespace();
      const now = own();
      return now ? writeOwn({ ...now, ...(namespace === undefined ? {} : { namespace }) }) : '';
    });
  }

  /** Resolves when nothing is being written. */
  stop(): Promise<void> {
    return this.#file.stop();
  }
}
