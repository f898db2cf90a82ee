import { type Account, type Clock, earlyMs, every, wordAllowance, wordEveryMs } from '@fairway/bus';
import { isWithdrawal, isWorthSaying, type Mesh, type Word, worthSaying } from '@fairway/mesh';
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

/** What the mesh does not have yet, and when it was said last; -Infinity where it was not said yet. */
type Standing = { readonly word: Word; readonly saidMs: number };

/**
 * What a node says of its own tasks to the others, ahead of the mesh: that one is to get nothing new of which the mesh says
 * otherwise, again and again until the mesh says so too; and once, that it may after all. And what a manager says of all
 * tasks: that one is released, where the mesh is late.
 */
export class OwnWords {
  readonly #options: Options;
  readonly #account: Account = { dueMs: 0 };
  /** By task. */
  readonly #standing = new Map<string, Standing>();
  /** Thousands of tasks may be released at once: what a node has to say of its own does not wait for them. */
  readonly #releaseAccount: Account = { dueMs: 0 };
  /** By service and task, and from when on they are said. */
  readonly #released = new Map<string, { readonly tasks: Map<string, Standing>; readonly fromMs: number }>();
  readonly #endRepeating: () => void;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
    this.#endRepeating = every(options.clock, lookEveryMs, () => {
      this.#repeat();
      this.#repeatReleases();
    });
  }

  /** Takes what the node has learnt of itself, and all that it knows by then. */
  heed(change: OwnChange, own: Own | undefined): void {
    if (!own) {
      this.#standing.clear();
      this.#released.clear();
    }
    if (change.kind === 'forgotten') this.#standing.delete(change.task);
    if (own && change.kind === 'released') this.#heedRelease(change, own);
    if (change.kind !== 'container' || !own) return;
    const { wallMs, mesh, say } = this.#options;
    const { service, task, state, tick, trace = '' } = change;
    const reading = { incarnation: own.incarnation, tick };
    const word: Word = { node: own.node, service, task, state, reading, atMs: wallMs(), trace };
    if (isWorthSaying(word, mesh())) this.#say(word);
    else if (!isWithdrawal(state) && this.#standing.delete(task)) say(word);
  }

  stop(): void {
    this.#stopped = true;
    this.#endRepeating();
  }

  #heedRelease({ service, tasks }: Extract<OwnChange, { kind: 'released' }>, { node, incarnation }: Own): void {
    const { clock, wallMs } = this.#options;
    const before = this.#released.get(service)?.tasks;
    const standing = [...tasks].map(([task, index]): [string, Standing] => {
      const held = before?.get(task);
      if (held?.word.reading.tick === index) return [task, held];
      const reading = { incarnation, tick: index };
      const word: Word = { node, service, task, state: 'released', reading, atMs: wallMs(), trace: '' };
      return [task, { word, saidMs: Number.NEGATIVE_INFINITY }];
    });
    this.#released.set(service, { tasks: new Map(standing), fromMs: clock.nowMs() + lateMs });
    clock.after(lateMs, () => this.#stopped || this.#repeatReleases());
  }

  #repeat(): void {
    const mesh = this.#options.mesh();
    for (const [task, { word }] of this.#standing) if (!isWorthSaying(word, mesh)) this.#standing.delete(task);
    for (const { word, saidMs } of this.#due([...this.#standing.values()])) this.#say(word, saidMs);
  }

  #repeatReleases(): void {
    const { clock, mesh, say } = this.#options;
    const nowMs = clock.nowMs();
    const held = mesh();
    for (const [service, { tasks, fromMs }] of this.#released) {
      if (nowMs < fromMs) continue;
      const words = worthSaying(
        [...tasks.values()].map(({ word }) => word),
        service,
        held,
      );
      const worth = new Set(words);
      for (const [task, { word }] of tasks) if (!worth.has(word)) tasks.delete(task);
      if (tasks.size === 0) this.#released.delete(service);
      for (const { word } of this.#due([...tasks.values()])) {
        if (earlyMs(this.#releaseAccount, wordAllowance, 1, nowMs) > 0) return;
        tasks.set(word.task, { word, saidMs: nowMs });
        say(word);
      }
    }
  }

  /** Those that are to be said again, those that were said first first. */
  #due(standing: readonly Standing[]): readonly Standing[] {
    const beforeMs = this.#options.clock.nowMs() - wordEveryMs;
    return standing.filter(({ saidMs }) => saidMs <= beforeMs).sort((a, b) => a.saidMs - b.saidMs);
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
