import type { Clock } from '@fairway/bus';
import { type Applied, ApplyFailed, together } from './applied.ts';
import type { Namespace } from './kernel/kernel.ts';

/** A namespace is still being brought to what was wanted before; nothing else is done there until that ends. */
class StillApplying extends Error {
  constructor() {
    super(`StillApplying: its kernel has not answered for ${hungMs} ms; the others do not wait for it`);
  }
}

/**
 * So long a round waits for one namespace. A command may take 10 s before it is killed, and there are several; building
 * a table for 10,000 services anew takes 0.2 s, and an emulated machine takes 25 times longer. So that it takes longer is
 * no failure yet.
 */
const patienceMs = 2_000;

/** What takes longer than this is a failure that somebody has to hear of. It is told once, and goes on by itself. */
const hungMs = 10_000;

/** Work on namespaces, one piece at a time in each. Whoever waits for it waits for a while, and leaves it to itself then. */
export class NamespaceWork {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #underWay = new Map<Namespace, Promise<Applied>>();
  /** What of it nobody waits for, and what came of that. */
  readonly #left = new Map<Namespace, Promise<Applied>>();
  readonly #ended = new Map<Namespace, Applied | ApplyFailed>();
  /** Where it takes so long that it has to be told. */
  readonly #hung = new Set<Namespace>();

  /** @param onDue called when there is something to be told by the next `run` */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  isUnderWay(namespace: Namespace): boolean {
    return this.#underWay.has(namespace);
  }

  /** Waits for what is under way, as long as it takes, and forgets what came of it. */
  async end(namespace: Namespace): Promise<void> {
    await this.#underWay.get(namespace)?.catch(() => {});
    this.forget(namespace);
  }

  /** What was left to itself there is of no interest any more. */
  forget(namespace: Namespace): void {
    this.#left.delete(namespace);
    this.#ended.delete(namespace);
    this.#hung.delete(namespace);
  }

  /**
   * Does the work, unless other work is under way, and tells what came of it, and of what was left to itself before.
   * Undefined while work goes on: it is told by a later run, a failure too.
   * @throws ApplyFailed, with StillApplying once for work that takes very long
   */
  async run(namespace: Namespace, work: () => Promise<Applied>): Promise<Applied | undefined> {
    if (this.#underWay.has(namespace)) {
      if (this.#hung.delete(namespace)) throw new ApplyFailed(namespace, new StillApplying());
      return undefined;
    }
    const before = this.#ended.get(namespace);
    this.forget(namespace);
    if (before instanceof ApplyFailed) throw before;
    const late = Promise.withResolvers<undefined>();
    const cancels = [
      this.#clock.after(patienceMs, () => late.resolve(undefined)),
      this.#clock.after(hungMs, () => {
        this.#hung.add(namespace);
        this.#onDue();
      }),
    ];
    const working = work().finally(() => {
      for (const cancel of cancels) cancel();
      this.#underWay.delete(namespace);
    });
    this.#underWay.set(namespace, working);
    const applied = await Promise.race([working, late.promise]);
    if (!applied) this.#leave(namespace, working);
    return applied && before ? together([before, applied]) : applied;
  }

  #leave(namespace: Namespace, working: Promise<Applied>): void {
    this.#left.set(namespace, working);
    const ended = (result: Applied | ApplyFailed) => {
      if (this.#left.get(namespace) === working) this.#ended.set(namespace, result);
      this.#onDue();
    };
    void working.then(ended, ended);
  }
}
