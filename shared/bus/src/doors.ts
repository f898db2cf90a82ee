import type { Clock } from './memory/clock.ts';

/** So long a sender is not heard that floods; then it is looked at again. */
export const shutMs = 30_000;
/** So many senders are known by name; while some are shut out, others are not heard. */
const knownMax = 10_000;

type Options = {
  /** The subjects of everybody, and those of one sender. */
  readonly everybody: string;
  readonly of: (sender: string) => readonly string[];
  /** Listens to a pattern of subjects; what it returns ends that. */
  readonly listen: (pattern: string) => () => void;
  readonly clock: Clock;
};

/**
 * Who is heard. Usually it is everybody, by one subscription. While some flood it is everybody else who is known, by
 * subscriptions of their own: what a flooder sends is then dropped by the server that it sends it to, as nobody listens.
 */
export class Doors {
  readonly #options: Options;
  readonly #known = new Set<string>();
  readonly #shut = new Map<string, () => void>();
  #everybody: (() => void) | undefined;
  readonly #single = new Map<string, () => void>();

  constructor(options: Options) {
    this.#options = options;
    this.#everybody = options.listen(options.everybody);
  }

  /** Who is shut out now. */
  get shut(): readonly string[] {
    return [...this.#shut.keys()];
  }

  /** Is told of each sender who was heard, or is expected to be. */
  hear(sender: string): void {
    if (this.#known.has(sender) || this.#known.size >= knownMax) return;
    this.#known.add(sender);
    if (!this.#everybody && !this.#shut.has(sender)) this.#listenTo(sender);
  }

  /** Hears a sender no more for a while. False where that is so already. */
  shutOut(sender: string): boolean {
    if (this.#shut.has(sender)) return false;
    this.#shut.set(
      sender,
      this.#options.clock.after(shutMs, () => this.#readmit(sender)),
    );
    // First the others, so that nothing of theirs falls in between.
    if (this.#everybody) for (const other of this.#known) if (other !== sender) this.#listenTo(other);
    this.#everybody?.();
    this.#everybody = undefined;
    this.#leave(sender);
    return true;
  }

  stop(): void {
    for (const cancel of this.#shut.values()) cancel();
    this.#everybody?.();
    for (const sender of [...this.#single.keys()]) this.#leave(sender);
  }

  #readmit(sender: string): void {
    this.#shut.delete(sender);
    if (this.#shut.size > 0) {
      this.#listenTo(sender);
      return;
    }
    this.#everybody = this.#options.listen(this.#options.everybody);
    for (const other of [...this.#single.keys()]) this.#leave(other);
  }

  #listenTo(sender: string): void {
    const { of, listen } = this.#options;
    const ends = of(sender).map((pattern) => listen(pattern));
    this.#single.set(sender, () => {
      for (const end of ends) end();
    });
  }

  #leave(sender: string): void {
    this.#single.get(sender)?.();
    this.#single.delete(sender);
  }
}
