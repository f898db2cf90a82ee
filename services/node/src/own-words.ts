import { type Account, type Clock, earlyMs, every, wordAllowance, wordEveryMs } from '@fairway/bus';
import { isWithdrawal, isWorthSaying, type Mesh, type Word } from '@fairway/mesh';
import type { Own, OwnChange } from '@fairway/watcher';

type Options = {
  readonly clock: Clock;
  /** Time to be shown, whole milliseconds since 1970. */
  readonly wallMs: () => number;
  /** The mesh as this node knows it, which may be late. */
  readonly mesh: () => Mesh;
  readonly say: (word: Word) => void;
};

/** So often it is looked for what has to be said again. */
const lookEveryMs = 1_000;

/**
 * What a node says of its own tasks to the others, ahead of the mesh: that one is to get nothing new of which the mesh says
 * otherwise, again and again until the mesh says so too; and once, that it may after all.
 */
export class OwnWords {
  readonly #options: Options;
  readonly #account: Account = { dueMs: 0 };
  /** What the mesh does not have yet, by task, and when it was said last; -Infinity where it was not said yet. */
  readonly #standing = new Map<string, { readonly word: Word; readonly saidMs: number }>();
  readonly #endRepeating: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#endRepeating = every(options.clock, lookEveryMs, () => this.#repeat());
  }

  /** Takes what the node has learnt of itself, and all that it knows by then. */
  heed(change: OwnChange, own: Own | undefined): void {
    if (!own) this.#standing.clear();
    if (change.kind === 'forgotten') this.#standing.delete(change.task);
    if (change.kind !== 'container' || !own) return;
    const { wallMs, mesh, say } = this.#options;
    const { service, task, state, tick, trace = '' } = change;
    const reading = { incarnation: own.incarnation, tick };
    const word = { node: own.node, service, task, state, reading, atMs: wallMs(), trace };
    if (isWorthSaying(word, mesh())) this.#say(word);
    else if (!isWithdrawal(state) && this.#standing.delete(task)) say(word);
  }

  stop(): void {
    this.#endRepeating();
  }

  #repeat(): void {
    const mesh = this.#options.mesh();
    const beforeMs = this.#options.clock.nowMs() - wordEveryMs;
    for (const [task, { word }] of this.#standing) if (!isWorthSaying(word, mesh)) this.#standing.delete(task);
    const due = [...this.#standing.values()].filter(({ saidMs }) => saidMs <= beforeMs);
    for (const { word, saidMs } of due.toSorted((a, b) => a.saidMs - b.saidMs)) this.#say(word, saidMs);
  }

  /** Says it, or has it stand to be said when it is no longer too early for it. */
  #say(word: Word, beforeMs = Number.NEGATIVE_INFINITY): void {
    const { clock, say } = this.#options;
    const nowMs = clock.nowMs();
    const isEarly = earlyMs(this.#account, wordAllowance, 1, nowMs) > 0;
    this.#standing.set(word.task, { word, saidMs: isEarly ? beforeMs : nowMs });
    if (!isEarly) say(word);
  }
}
