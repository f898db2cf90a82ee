/** Many watchers of the mesh bucket in one process, each on a connection of its own; a program to be asked. */
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from './clock.ts';
import { firstKnownMs } from './delays.ts';
import { connectOrdered } from './ordered.ts';
import { answerStarter } from './program.ts';
import { connectRepublished } from './republished.ts';
import type { Watcher, Way } from './watcher.ts';

/** More than a round of a thousand changes a second has. */
const revisionsMax = 50_000;
/** So many connect at a time. */
const connectAtOnce = 25;
const lookEveryMs = 20;

class Ear {
  readonly watcher: Watcher;
  /** When each revision was heard, by revision; 0 where it was not. */
  readonly heardMs = new Float64Array(revisionsMax);
  readonly revisions = new Map<string, number>();
  seen = 0;
  caughtUps = 0;
  firstCaughtUpMs = Number.NaN;

  constructor(watcher: Watcher) {
    this.watcher = watcher;
  }

  follow(): void {
    this.watcher.follow({
      entry: (key, revision) => {
        this.heardMs[revision] = monotonicMs();
        this.revisions.set(key, revision);
        this.seen = revision;
      },
      caughtUp: () => {
        if (this.caughtUps === 0) this.firstCaughtUpMs = monotonicMs();
        this.caughtUps += 1;
      },
    });
  }
}

const ears: Ear[] = [];

const commands = {
  async connect(way: Way, servers: readonly string[], count: number): Promise<void> {
    const connectOne = way === 'ordered' ? connectOrdered : connectRepublished;
    while (ears.length < count) {
      const more = Math.min(connectAtOnce, count - ears.length);
      const names = Array.from({ length: more }, (_, n) => `watcher ${process.pid} ${ears.length + n}`);
      const watchers = await Promise.all(names.map((name) => connectOne(servers, name)));
      ears.push(...watchers.map((watcher) => new Ear(watcher)));
    }
  },

  /** Begins to follow, and tells when the last of them had all that there is. */
  async follow(): Promise<number> {
    for (const ear of ears) ear.follow();
    while (ears.some(({ caughtUps }) => caughtUps === 0)) await pause(lookEveryMs);
    return Math.max(...ears.map(({ firstCaughtUpMs }) => firstCaughtUpMs));
  },

  /** When the last of them knew a revision; waits until all do. */
  async reached(revision: number): Promise<number> {
    while (ears.some(({ seen }) => seen < revision)) await pause(lookEveryMs);
    return Math.max(...ears.map(({ heardMs }) => firstKnownMs(heardMs, revision, revision)[0] ?? Number.NaN));
  },

  /** For each watcher, when it knew each of the revisions from `first` to `last`. */
  async known(first: number, last: number): Promise<Float64Array[]> {
    return ears.map(({ heardMs }) => firstKnownMs(heardMs, first, last));
  },

  /** How often they caught up, all together. */
  async caughtUps(): Promise<number> {
    return ears.reduce((sum, ear) => sum + ear.caughtUps, 0);
  },

  /** How many of them lack a key's last revision. */
  async lacking(entries: readonly (readonly [key: string, revision: number])[]): Promise<number> {
    return ears.filter(({ revisions }) => entries.some(([key, revision]) => revisions.get(key) !== revision)).length;
  },
};

export type WatcherCommands = typeof commands;

answerStarter(commands);
