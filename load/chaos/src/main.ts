import { writeFileSync } from 'node:fs';
import { chanceFrom } from '@fairway/bus';
import { type Cluster, ensurePrograms, keepLogs, startCluster } from '@fairway/cluster';
import { ArgumentsInvalid, type ChaosArguments, listing, parseArguments, usage } from './arguments.ts';
import { type Played, play, showPlayed, startAsking, tableOf } from './play.ts';
import { playAtRandom } from './play-at-random.ts';
import { clockRequirement } from './scenarios/clock-moved.ts';
import { nowMs, Stage } from './stage.ts';

const startMs = nowMs();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** On stderr, with the seconds since the start. */
function step(line: string): void {
  process.stderr.write(`${((nowMs() - startMs) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
}

function report(played: Played): void {
  print(showPlayed(played));
}

/** Plays what was asked for; each run at random counts as one. */
async function playAll(cluster: Cluster, asked: ChaosArguments, signal: AbortSignal): Promise<readonly Played[][]> {
  const stageOf = (seed: number) =>
    new Stage({ cluster, hasFairway: !asked.docker, chance: chanceFrom(seed), say: step, signal });
  const first = stageOf(asked.seed);
  await first.deploy();
  step('the services answer; requests begin');
  const traffic = startAsking(first);
  const runs: Played[][] = [];
  try {
    for (const seed of asked.random) {
      print(`seed ${seed}: npm run chaos -- --random --seeds ${seed} --minutes ${asked.minutes}`);
      runs.push([...(await playAtRandom(stageOf(seed), traffic, asked.minutes * 60_000, report))]);
      if (isFailed(runs.at(-1))) break;
    }
    if (asked.random.length > 0) return runs;
    print(`seed ${asked.seed}`);
    for (const scenario of asked.played) {
      const played = await play(first, traffic, [scenario]);
      report(played);
      runs.push([played]);
      if (signal.aborted) break;
    }
  } finally {
    traffic.stop();
  }
  return runs;
}

function isFailed(run: readonly Played[] | undefined): boolean {
  return run?.some(({ failure }) => failure !== undefined) ?? false;
}

async function main(args: readonly string[]): Promise<number> {
  const asked = parseArguments(args);
  if (asked.help || asked.list) {
    process.stdout.write(asked.help ? `${usage}\n${listing}` : listing);
    return 0;
  }
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort(new Error(signal)));
  if (!asked.docker) await ensurePrograms([clockRequirement], step);
  const cluster = await startCluster({
    name: 'chaos',
    nodes: 3,
    fairway: !asked.docker,
    report: step,
    signal: end.signal,
  });
  try {
    const runs = await playAll(cluster, asked, end.signal);
    end.signal.throwIfAborted();
    const failed = runs.filter(isFailed).length;
    if (failed > 0) step(`logs are kept in ${keepLogs(cluster.name)}`);
    if (asked.results !== undefined) writeFileSync(asked.results, tableOf(runs.flat()));
    print('');
    for (const { name, failure } of runs.flat()) if (failure !== undefined) print(`failed: ${name}\n  ${failure}`);
    print(`${runs.length - failed} passed, ${failed} failed`);
    return failed > 0 ? 1 : 0;
  } catch (error) {
    step(`logs are kept in ${keepLogs(cluster.name)}`);
    throw error;
  } finally {
    step('removing the cluster');
    await cluster.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = error instanceof ArgumentsInvalid ? 2 : 1;
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  if (error instanceof ArgumentsInvalid) process.stderr.write(`\n${usage}`);
}
// What was under way when it was ended must not hold the process up.
process.exit();
