import { isNewerReading, sendsAway, subjectOf, type Word } from '@fairway/mesh';
import { type Clock, every } from './memory/clock.ts';

/** A word is said again so often while the mesh does not have it, and counts for so long after it was said last. */
export const wordEveryMs = 20_000;
export const wordForMs = 60_000;
/** So often it is looked for those that were not said again. */
const lookEveryMs = 5_000;
/** So many are kept of one node, which says no more in that time; further ones are left to the mesh. */
const keptMaxPerNode = 2_000;

type Options = {
  readonly clock: Clock;
  /** Whether it sends away from a task that the mesh still sends to. */
  readonly withdraws: (word: Word) => boolean;
  /** What they make of the mesh is another thing than before; `news` is the word that came, where one did. */
  readonly onChange: (news: Word | undefined) => void;
};

type Kept = { readonly word: Word; readonly heardMs: number };

/** The last word that was said about each task in the last minute. */
export class Words implements Iterable<Word> {
  readonly #options: Options;
  /** By node and what it is about. */
  readonly #kept = new Map<string, Map<string, Kept>>();
  readonly #endLooks: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#endLooks = every(options.clock, lookEveryMs, () => this.#forget());
  }

  /** Takes a word. It comes once by each way, and again and again; it is news once. */
  hear(word: Word): void {
    const { clock, withdraws, onChange } = this.#options;
    const ofNode = this.#kept.get(word.node) ?? new Map<string, Kept>();
    const about = subjectOf(word);
    const before = ofNode.get(about)?.word;
    const isLater = !before || isNewerReading(word.reading, before.reading);
    const isSame = before?.reading.tick === word.reading.tick;
    if (!isLater && !isSame) return;
    if (!before && ofNode.size >= keptMaxPerNode) return;
    const changes = isLater && (withdraws(word) || (before !== undefined && sendsAway(before)));
    ofNode.set(about, { word, heardMs: clock.nowMs() });
    this.#kept.set(word.node, ofNode);
    if (changes) onChange(word);
  }

  *[Symbol.iterator](): Iterator<Word> {
    for (const ofNode of this.#kept.values()) for (const { word } of ofNode.values()) yield word;
  }

  stop(): void {
    this.#endLooks();
  }

  #forget(): void {
    const { clock, withdraws, onChange } = this.#options;
    const beforeMs = clock.nowMs() - wordForMs;
    let changes = false;
    for (const [node, ofNode] of this.#kept) {
      for (const [about, { word, heardMs }] of ofNode) {
        if (heardMs > beforeMs) continue;
        ofNode.delete(about);
        changes ||= withdraws(word);
      }
      if (ofNode.size === 0) this.#kept.delete(node);
    }
    if (changes) onChange(undefined);
  }
}
