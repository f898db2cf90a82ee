import type { Clock } from '@fairway/bus';
import type { Tasks } from './network-reach.ts';
import { muteAfterMs, pauseAfter } from './ways-back.ts';

type Options = {
  readonly clock: Clock;
  /** Whether the task at an address answers; rejects where nobody can be asked. */
  readonly ask: (address: string) => Promise<boolean>;
  /** A task is in doubt no more. */
  readonly onSure: () => void;
};

/**
 * Tasks of one network that were begun while Docker's gossip errs, and have not answered yet. Their node may answer all the
 * same: a sandbox that has spoken with this one knows its address, and the VXLAN device has learned where it is, when
 * Docker has taken its own entries for it away (seen with 20.10); a new one asks for the address, and nobody answers.
 */
export class FirstAnswers {
  readonly #options: Options;
  /** By address; one that is doubted anew is another one. */
  readonly #doubted = new Map<string, { readonly task: string }>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** The addresses that have not answered yet. */
  get addresses(): ReadonlySet<string> {
    return new Set(this.#doubted.keys());
  }

  /** Asks these until each has answered, or has not for so long that it may be one that never does. */
  doubt(tasks: Tasks): void {
    for (const [address, task] of tasks) {
      if (this.#doubted.get(address)?.task === task) continue;
      const doubt = { task };
      this.#doubted.set(address, doubt);
      void this.#askUntilSure(address, doubt);
    }
  }

  /** Forgets all tasks but these. */
  keepOnly(tasks: Tasks): void {
    for (const [address, { task }] of this.#doubted) if (tasks.get(address) !== task) this.#doubted.delete(address);
  }

  stop(): void {
    this.#doubted.clear();
  }

  async #askUntilSure(address: string, doubt: object): Promise<void> {
    const { clock, ask, onSure } = this.#options;
    // From the end of the first ask without an answer: the time until it could be sent is no silence.
    let sinceMs: number | undefined;
    const isThere = () => this.#doubted.get(address) === doubt;
    while (isThere()) {
      // Where it cannot be asked nothing is known against it.
      const isSure = await ask(address).catch(() => true);
      if (!isThere()) return;
      sinceMs ??= clock.nowMs();
      const silentMs = clock.nowMs() - sinceMs;
      if (isSure || silentMs >= muteAfterMs) break;
      await new Promise<void>((resolve) => clock.after(pauseAfter(silentMs), resolve));
    }
    if (!isThere()) return;
    this.#doubted.delete(address);
    onSure();
  }
}
