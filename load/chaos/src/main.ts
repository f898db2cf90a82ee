import { writeFileSync } from 'node:fs';
import { chanceFrom } from '@fairway/bus';
import { type Cluster, ensurePrograms, keepLogs, startCluster } from '@fairway/cluster';
import { ArgumentsInvalid, type ChaosArguments, listing, parseArguments, usage } from './arguments.ts';
import { Notes } from './notes.ts';
import { type Played, play, showPlayed, startAsking } from './play.ts';
import { playAtRandom } from './play-at-random.ts';
import { clockRequirement } from './scenarios/clock-moved.ts';
import { type Mesh, nowMs, Stage } from './stage.ts';
import { comparisonOf, tableOf } from './tables.ts';

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
async function playAll(
  cluster: Cluster,
  mesh: Mesh,
  asked: ChaosArguments,
  signal: AbortSignal,
): Promise<readonly Played[][]> {
  const all = { cluster, mesh, isJudged: asked.isJudged, notes: new Notes(), say: step, signal };
  const stageOf = (seed: number) => new Stage({ ...all, chance: chanceFrom(seed) });
  const first = stageOf(asked.seed);
  await first.deploy();
  step('the services answer; requests begin');
  const traffic = startAsking(first);
  const runs: Played[][] = [];
  try {
    if (asked.played.length > 0) print(`seed ${asked.seed}`);
    for (const scenario of asked.played) {
      const played = await play(first, traffic, [scenario]);
      report(played);
      runs.push([played]);
      if (signal.aborted) return runs;
      if (asked.random.length > 0 && isFailed(runs.at(-1))) {
        step('what else was asked for is not played: of a swarm that is not as it should be chance says nothing');
        return runs;
      }
    }
    for (const seed of asked.random) {
      print(`seed ${seed}: npm run chaos -- --random --seeds ${seed} --minutes ${asked.minutes}`);
      runs.push([...(await playAtRandom(stageOf(seed), traffic, asked.minutes * 60_000, report))]);
      if (isFailed(runs.at(-1))) break;
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
  if (asked.meshes.includes('fairway')) await ensurePrograms([clockRequirement], step);
  const runs = new Map<Mesh, readonly Played[][]>();
  const played = (mesh: Mesh) => runs.get(mesh)?.flat() ?? [];
  for (const mesh of asked.meshes) {
    runs.set(mesh, await playOn(mesh, asked, end.signal));
    const table = asked.meshes.length > 1 ? comparisonOf(played('docker'), played('fairway')) : tableOf(played(mesh));
    if (asked.results !== undefined) writeFileSync(asked.results, table);
    print(asked.meshes.length > 1 ? `\n${table}` : '');
  }
  for (const mesh of asked.meshes)
    for (const { name, failure } of played(mesh))
      if (failure !== undefined)
        print(`failed: ${name}${mesh === 'docker' ? " with Docker's mesh" : ''}\n  ${failure}`);
  // Docker's own mesh is told of, and not judged.
  const judged = runs.get('fairway');
  if (!judged) return 0;
  const failed = judged.filter(isFailed).length;
  print(`${judged.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/** On a swarm of its own. */
async function playOn(mesh: Mesh, asked: ChaosArguments, signal: AbortSignal): Promise<readonly Played[][]> {
  const cluster = await startCluster({ name: 'chaos', nodes: 3, fairway: mesh === 'fairway', report: step, signal });
  try {
    const runs = await playAll(cluster, mesh, asked, signal);
    signal.throwIfAborted();
    if (runs.some(isFailed)) step(`logs are kept in ${keepLogs(cluster.name)}`);
    return runs;
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
