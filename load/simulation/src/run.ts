import { wrongViews } from './console-views.ts';
import { type Backups, happen, mendAll } from './happen.ts';
import { entriesOf, showEntry } from './kernel-lines.ts';
import { wrongAfterLoss } from './last-loss.ts';
import { updateLast } from './last-update.ts';
import { tablesOf, wrongLines } from './oracle/tables.ts';
import type { Story } from './story/story.ts';
import { type Line, makeWorld, type World } from './world.ts';

/** What a run came to. */
export type Report = {
  readonly failures: readonly string[];
  readonly lines: readonly Line[];
  /** How long it took after the last event until every node's rules were the oracle's, milliseconds of simulated time. */
  readonly quietMs: number;
};

/** So long after everything is mended all is as the oracle says: two listings of everything, and what they take. */
const quietMsMax = 150_000;
/** Where the swarm was restored it may take until the watchers tell everything anew, which they do every 600 s. */
const restoredMsMax = 700_000;
/** And has been so for this long, in which everything is listed again and a swarm that was restored has come to rest. */
const restMs = 40_000;
const lookEveryMs = 1_000;
const backupEveryMs = 3_000;

/** One story in so many ends with an update: it takes some time. */
const updatesEvery = 7;

/** Lets a story happen, and compares every node's kernel with the oracle once all is mended. */
export async function run(story: Story): Promise<Report> {
  const world = makeWorld(story.seed, story.shape);
  const backups: Backups = { bus: [], swarm: [] };
  const pass = (forMs: number) => world.clock.settle(Promise.resolve(), forMs);
  for (const process of world.processes) process.start();
  let untilMs = 0;
  let backupMs = 0;
  for (const event of story.events) {
    await passUntil(event.atMs);
    if (event.atMs - backupMs >= backupEveryMs) {
      backupMs = event.atMs;
      backups.bus.push(world.bus.backup());
      backups.swarm.push(world.swarm.backup());
    }
    untilMs = Math.max(untilMs, happen(world, event, backups));
  }
  await passUntil(untilMs);
  mendAll(world);
  world.say('story', 'all is mended');
  const fromMs = world.clock.nowMs();
  const limitMs =
    lateMs(story) + (story.events.some(({ kind }) => kind === 'swarm restored') ? restoredMsMax : quietMsMax);
  let wrong = wrongs(world);
  let wrongMs = wrong.length > 0 ? fromMs : undefined;
  for (let nowMs = fromMs; nowMs - (wrongMs ?? fromMs) < restMs && nowMs - fromMs < limitMs + restMs; ) {
    await pass(lookEveryMs);
    nowMs = world.clock.nowMs();
    wrong = wrongs(world);
    if (wrong.length > 0) wrongMs = nowMs;
  }
  const quietMs = (wrongMs ?? fromMs) - fromMs;
  const views = await wrongViews(world, lateMs(story));
  const isQuiet = wrong.length + views.length === 0;
  if (isQuiet && story.seed % updatesEvery === 0) await updateLast(world);
  const after = isQuiet ? await wrongAfterLoss(world, lateMs(story)) : [];
  const failures = [...new Set([...world.broken, ...wrong, ...views, ...after])];
  return { failures, lines: world.lines, quietMs };

  async function passUntil(atMs: number): Promise<void> {
    const forMs = atMs - world.clock.nowMs();
    if (forMs > 0) await pass(forMs);
  }
}

/** What was on its way when all was mended may still be so late. */
function lateMs({ events }: Story): number {
  return Math.max(0, ...events.map((event) => (event.kind === 'weather' ? (event.faults.straggleMsMax ?? 0) : 0)));
}

/** Where kernels differ from the oracle. */
function wrongs(world: World): string[] {
  return world.machines.flatMap((machine) => {
    const found = entriesOf(machine.kernel, machine.networks).map(showEntry);
    return wrongLines(machine.name, tablesOf(world, machine), found);
  });
}
