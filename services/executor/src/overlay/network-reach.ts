/** Addresses, each with the task that has it. */
export type Tasks = ReadonlyMap<string, string>;

/** A task that was looked for and not found, and when that was first. */
type Missing = { readonly task: string; readonly sinceMs: number };

/** What is not reached is looked for again after as long as it has been missing, within these bounds. */
const pauseMinMs = 20;
const pauseMaxMs = 10_000;

/** Which tasks of other nodes one network's overlay was found to have a way to, and when to look for the others again. */
export class NetworkReach {
  readonly #found = new Map<string, string>();
  #assumed: ReadonlySet<string> = new Set();
  /** By address. */
  readonly #missing = new Map<string, Missing>();
  #dueMs = 0;

  /** The addresses found, and those assumed. */
  get addresses(): ReadonlySet<string> {
    return new Set([...this.#found.keys(), ...this.#assumed]);
  }

  /** When the next look is due, if something is missing. */
  get dueMs(): number | undefined {
    return this.#missing.size > 0 ? this.#dueMs : undefined;
  }

  has(address: string, task: string): boolean {
    return this.#found.get(address) === task;
  }

  /** Whether the last look failed, and some are taken for reached without one. */
  get isAssuming(): boolean {
    return this.#assumed.size > 0;
  }

  /** The tasks that were looked for and not found, by address. */
  get missing(): Tasks {
    return new Map([...this.#missing].map(([address, { task }]) => [address, task]));
  }

  /** The tasks found, by address. */
  get found(): Tasks {
    return this.#found;
  }

  /** Forgets what is of none of these tasks. */
  keepOnly(...there: readonly Tasks[]): void {
    const isThere = (address: string, task: string) => there.some((tasks) => tasks.get(address) === task);
    for (const [address, task] of this.#found) if (!isThere(address, task)) this.#found.delete(address);
    for (const [address, { task }] of this.#missing) if (!isThere(address, task)) this.#missing.delete(address);
  }

  /** Whether a look is due for these: one of them was never looked for, or it is time to look again. */
  isDue(wanted: Tasks, nowMs: number): boolean {
    const missing = [...wanted].filter(([address, task]) => !this.has(address, task));
    return missing.length > 0 && (nowMs >= this.#dueMs || missing.some((one) => !this.#isMissing(...one)));
  }

  /** A look found a way to these addresses; gives those that were not found before. */
  find(tasks: Tasks, reached: ReadonlySet<string>): Tasks {
    const first = new Map<string, string>();
    for (const [address, task] of tasks) {
      if (!reached.has(address)) continue;
      if (!this.has(address, task)) first.set(address, task);
      this.#found.set(address, task);
      if (this.#isMissing(address, task)) this.#missing.delete(address);
    }
    return first;
  }

  /** A look for what was found so far has a way to these addresses only; gives those that were lost. */
  keepReached(asked: Tasks, reached: ReadonlySet<string>): readonly string[] {
    const lost = [...asked].flatMap(([address, task]) =>
      !reached.has(address) && this.has(address, task) ? [address] : [],
    );
    for (const address of lost) this.#found.delete(address);
    return lost;
  }

  /**
   * A look for these failed. Until one for what serves succeeds they are taken for reached: nothing is kept from being
   * used for that.
   */
  assume(tasks: Tasks): void {
    this.#assumed = new Set(tasks.keys());
  }

  /** A look was taken for these, of which those that were not found are to be looked for again. */
  lookedFor(wanted: Tasks, nowMs: number): void {
    for (const [address, task] of wanted)
      if (!this.has(address, task) && !this.#isMissing(address, task))
        this.#missing.set(address, { task, sinceMs: nowMs });
    const youngestMs = nowMs - Math.max(...[...this.#missing.values()].map(({ sinceMs }) => sinceMs), 0);
    this.#dueMs = nowMs + Math.min(Math.max(youngestMs, pauseMinMs), pauseMaxMs);
  }

  #isMissing(address: string, task: string): boolean {
    return this.#missing.get(address)?.task === task;
  }
}
