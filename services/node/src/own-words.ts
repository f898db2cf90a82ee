import { type Account, type Clock, earlyMs, every, wordAllowance, wordEveryMs } from '@fairway/bus';
import { isWithdrawal, isWorthSaying, type Mesh, subjectOf, type Word } from '@fairway/mesh';
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
/** The mesh says within so long that a task is released, unless the bus has to elect first; Swarm ends it after 2 s. */
const lateMs = 250;

/**
 * What a node says of its own tasks to the others, ahead of the mesh: that one is to get nothing new of which the mesh says
 * otherwise, again and again until the mesh says so too; and once, that it may after all. And what a manager says of all
 * tasks: that one is released, where the mesh is late.
 */
export class OwnWords {
  readonly #options: Options;
  readonly #account: Account = { dueMs: 0 };
  /** What the mesh does not have yet, by what it is about, and when it was said last; -Infinity where it was not said yet. */
  readonly #standing = new Map<string, { readonly word: Word; readonly saidMs: number }>();
  readonly #endRepeating: () => void;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
    this.#endRepeating = every(options.clock, lookEveryMs, () => this.#repeat());
  }

  /** Takes what the node has learnt of itself, and all that it knows by then. */
  heed(change: OwnChange, own: Own | undefined): void {
    if (!own) this.#standing.clear();
    if (change.kind === 'forgotten') this.#standing.delete(change.task);
    if (!own) return;
    const { clock, wallMs, mesh, say } = this.#options;
    const { node, incarnation } = own;
    const said = { node, atMs: wallMs() };
    if (change.kind === 'released') {
      const { service, task, index } = change;
      const reading = { incarnation, tick: index };
      const word: Word = { ...said, service, task, state: 'released', reading, trace: '' };
      clock.after(lateMs, () => !this.#stopped && isWorthSaying(word, mesh()) && this.#say(word));
    }
    if (change.kind !== 'container') return;
    const { service, task, state, tick, trace = '' } = change;
    const word: Word = { ...said, service, task, state, reading: { incarnation, tick }, trace };
    if (isWorthSaying(word, mesh())) this.#say(word);
    else if (!isWithdrawal(state) && this.#standing.delete(task)) say(word);
  }

  stop(): void {
    this.#stopped = true;
    this.#endRepeating();
  }

  #repeat(): void {
    const mesh = this.#options.mesh();
    const beforeMs = this.#options.clock.nowMs() - wordEveryMs;
    for (const [about, { word }] of this.#standing) if (!isWorthSaying(word, mesh)) this.#standing.delete(about);
    const due = [...this.#standing.values()].filter(({ saidMs }) => saidMs <= beforeMs);
    for (const { word, saidMs } of due.toSorted((a, b) => a.saidMs - b.saidMs)) this.#say(word, saidMs);
  }

  /** Says it, or has it stand to be said when it is no longer too early for it. */
  #say(word: Word, beforeMs = Number.NEGATIVE_INFINITY): void {
    const { clock, say } = this.#options;
    const nowMs = clock.nowMs();
    const isEarly = earlyMs(this.#account, wordAllowance, 1, nowMs) > 0;
    this.#standing.set(subjectOf(word), { word, saidMs: isEarly ? beforeMs : nowMs });
    if (!isEarly) say(word);
  }
}
