import type { Verdict } from '@fairway/mesh';
import type { Message } from './bus.ts';
import type { Clock } from './memory/clock.ts';
import { Unreadable } from './parse-text.ts';
import { readVerdict, verdictForMs } from './verdict.ts';

type Options = {
  readonly clock: Clock;
  /** They are others than before; `news` is what has been said for the first time. */
  readonly onChange: (verdicts: readonly Verdict[], news: readonly Verdict[]) => void;
};

type Held = { readonly verdict: Verdict; readonly said: string; readonly cancel: () => void };

/** The verdicts that were said in the last seconds, one per node and sentinel. */
export class Verdicts {
  readonly #options: Options;
  readonly #held = new Map<string, Held>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes a message on `fairway.verdict.SENTINEL.NODE`; one that cannot be read is none. */
  hear(message: Message): void {
    const { clock, onChange } = this.#options;
    const { subject, text } = message;
    try {
      const before = this.#held.get(subject);
      const verdict = before?.said === text ? before.verdict : readVerdict(message);
      before?.cancel();
      const cancel = clock.after(verdictForMs, () => {
        this.#held.delete(subject);
        onChange(this.#now, []);
      });
      this.#held.set(subject, { verdict, said: text, cancel });
      if (before?.said !== text) onChange(this.#now, [verdict]);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }

  stop(): void {
    for (const { cancel } of this.#held.values()) cancel();
    this.#held.clear();
  }

  get #now(): readonly Verdict[] {
    return [...this.#held.values()].map(({ verdict }) => verdict);
  }
}
