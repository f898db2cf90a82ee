import { isNewerReading, type Word } from '@fairway/mesh';
import { type Clock, every } from './memory/clock.ts';

/**
 * So long a word counts, milliseconds; that a task is dead, which is final, for as long as the mesh does not have it. What is
 * well again need not reach the mesh: where it was ill in between only, nothing has changed, and the word that takes the
 * other one back may be lost.
 */
export const wordForMs = 60_000;
/** So often it is looked for those that have lasted. */
const lookEveryMs = 10_000;
/** So many are kept of one node, which says no more in that time; further ones are left to the mesh. */
const keptMaxPerNode = 2_000;

type Options = {
  readonly clock: Clock;
  /** Whether it is later than what the mesh has. */
  readonly isAhead: (word: Word) => boolean;
  /** There are others than before; `news` is the word that came, where one did. */
  readonly onChange: (news: Word | undefined) => void;
};

type Kept = { readonly word: Word; readonly heardMs: number };

/** The last word that was said of each task. */
export class Words implements Iterable<Word> {
  readonly #options: Options;
  /** By node and task. */
  readonly #kept = new Map<string, Map<string, Kept>>();
  readonly #endLooks: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#endLooks = every(options.clock, lookEveryMs, () => this.#forget());
  }

  /** Takes a word. It comes once by each way, and is news once. */
  hear(word: Word): void {
    const ofNode = this.#kept.get(word.node) ?? new Map<string, Kept>();
    const before = ofNode.get(word.task)?.word;
    if (before ? !isNewerReading(word.reading, before.reading) : ofNode.size >= keptMaxPerNode) return;
    ofNode.set(word.task, { word, heardMs: this.#options.clock.nowMs() });
    this.#kept.set(word.node, ofNode);
    this.#options.onChange(word);
  }

  *[Symbol.iterator](): Iterator<Word> {
    for (const ofNode of this.#kept.values()) for (const { word } of ofNode.values()) yield word;
  }

  stop(): void {
    this.#endLooks();
  }

  #forget(): void {
    const { clock, isAhead, onChange } = this.#options;
    const beforeMs = clock.nowMs() - wordForMs;
    let forgotten = 0;
    for (const [node, ofNode] of this.#kept) {
      for (const [task, { word, heardMs }] of ofNode) {
        if (heardMs > beforeMs || (word.state === 'dead' && isAhead(word))) continue;
        ofNode.delete(task);
        forgotten++;
      }
      if (ofNode.size === 0) this.#kept.delete(node);
    }
    if (forgotten > 0) onChange(undefined);
  }
}
