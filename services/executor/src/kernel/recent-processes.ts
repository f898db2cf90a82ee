/** More than are started while what one of them did is still being told. */
const keptMax = 1_000;

/** The processes that this one started last: by their numbers nft's events tell them from others'. */
export class RecentProcesses {
  readonly #pids = new Set<number>();

  readonly add = (pid: number): void => {
    // The newest last.
    this.#pids.delete(pid);
    this.#pids.add(pid);
    for (const oldest of this.#pids) {
      if (this.#pids.size <= keptMax) break;
      this.#pids.delete(oldest);
    }
  };

  readonly has = (pid: number): boolean => this.#pids.has(pid);
}
