import { type Account, type Clock, earlyMs, every, wordAllowance, wordEveryMs } from '@fairway/bus';
import { isWithdrawal, type Mesh, type Word, withdraws } from '@fairway/mesh';
import type { Own, OwnChange } from '@fairway/watcher';

type Options = {
  readonly clock: Clock;
  /** Time to be shown, whole milliseconds since 1970. */
  readonly wallMs: () => number;
  /** The mesh by which the others go, as far as this node knows. */
  readonly mesh: () => Mesh;
  readonly say: (word: Word) => void;
};

/**
 * What a node says of its own tasks to the others, ahead of the mesh: that one is to get nothing new of which the mesh says
 * otherwise, again and again until the mesh says so too; and once, that it may after all.
 */
export class OwnWords {
  readonly #options: Options;
  readonly #account: Account = { dueMs: 0 };
  /** What the mesh does not have yet, by task. */
  readonly #standing = new Map<string, Word>();
  readonly #endRepeating: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#endRepeating = every(options.clock, wordEveryMs, () => this.#repeat());
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
    if (withdraws(word, mesh())) {
      this.#standing.set(task, word);
      this.#say(word);
    } else if (!isWithdrawal(state) && this.#standing.delete(task)) say(word);
  }

  stop(): void {
    this.#endRepeating();
  }

  #repeat(): void {
    const mesh = this.#options.mesh();
    for (const [task, word] of [...this.#standing])
      if (withdraws(word, mesh)) this.#say(word);
      else this.#standing.delete(task);
  }

  /** Where it is too early for it, its turn comes with those that are said again: who was said last is last there. */
  #say(word: Word): void {
    const { clock, say } = this.#options;
    if (earlyMs(this.#account, wordAllowance, 1, clock.nowMs()) > 0) return;
    this.#standing.delete(word.task);
    this.#standing.set(word.task, word);
    say(word);
  }
}
