import { writeFileSync } from 'node:fs';
import { chanceFrom } from '@fairway/bus';
import { type Cluster, ensurePrograms, ensureToolchain, keepLogs, measuredOn, startCluster } from '@fairway/cluster';
import { ArgumentsInvalid, type ChaosArguments, listing, parseArguments, usage } from './arguments.ts';
import { Notes } from './notes.ts';
import { type Played, play, type Run, showPlayed, startAsking } from './play.ts';
import { playAtRandom } from './play-at-random.ts';
import { clockRequirement } from './scenarios/clock-moved.ts';
import { type Mesh, nowMs, Stage } from './stage.ts';
import { comparisonOf, runsOf, tableOf } from './tables.ts';

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

/** Plays what was asked for, each scenario that was named as a run of its own, and tells of each run when it is over. */
async function playAll(
  cluster: Cluster,
  mesh: Mesh,
  asked: ChaosArguments,
  signal: AbortSignal,
  isOver: (run: Run) => void,
): Promise<void> {
  const all = { cluster, mesh, isJudged: asked.isJudged, notes: new Notes(), say: step, signal };
  const stageOf = (seed: number) => new Stage({ ...all, chance: chanceFrom(seed) });
  const { seed } = asked;
  const first = stageOf(seed);
  await first.deploy();
  step('the services answer; requests begin');
  const traffic = startAsking(first);
  try {
    if (asked.played.length > 0) print(`seed ${seed}`);
    for (const scenario of asked.played) {
      const played = await play(first, traffic, [scenario]);
      report(played);
      isOver({ seed, played: [played] });
      if (signal.aborted) return;
      if (asked.random.length > 0 && played.failure !== undefined) {
        step('what else was asked for is not played: of a swarm that is not as it should be chance says nothing');
        return;
      }
    }
    for (const seed of asked.random) {
      print(`seed ${seed}: npm run chaos -- --random --seeds ${seed} --minutes ${asked.minutes}`);
      const run = { seed, played: await playAtRandom(stageOf(seed), traffic, asked.minutes * 60_000, report) };
      isOver(run);
      if (isFailed(run)) return;
    }
  } finally {
    traffic.stop();
  }
}

function isFailed({ played }: Run): boolean {
  return played.some(({ failure }) => failure !== undefined);
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
  const runs = new Map<Mesh, Run[]>(asked.meshes.map((mesh) => [mesh, []]));
  const playedOn = (mesh: Mesh) => runs.get(mesh)?.flatMap(({ played }) => played) ?? [];
  const table = () => {
    if (asked.meshes.length > 1) return comparisonOf(playedOn('docker'), playedOn('fairway'));
    return asked.random.length > 0 ? runsOf(runs.get('fairway') ?? []) : tableOf(asked.meshes.flatMap(playedOn));
  };
  const heading = asked.results === undefined ? '' : await headingOf(args);
  for (const mesh of asked.meshes)
    await playOn(mesh, asked, end.signal, (run) => {
      runs.get(mesh)?.push(run);
      // After each run: hours of them are not lost where one is cut short.
      if (asked.results !== undefined) writeFileSync(asked.results, `${heading}${table()}`);
    });
  if (asked.meshes.length > 1) print(`\n${table()}`);
  for (const mesh of asked.meshes)
    for (const { name, failure } of playedOn(mesh))
      if (failure !== undefined)
        print(`failed: ${name}${mesh === 'docker' ? " with Docker's mesh" : ''}\n  ${failure}`);
  // Docker's own mesh is told of, and not judged.
  const judged = runs.get('fairway');
  if (!judged) return 0;
  const failed = judged.filter(isFailed).length;
  print(`${judged.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/** Of results; it tells the versions of what is installed for the swarm. */
async function headingOf(args: readonly string[]): Promise<string> {
  await ensureToolchain(step);
  return `# chaos\n\n${await measuredOn()}\n\n\`npm run chaos -- ${args.join(' ')}\`\n\n`;
}

/** On a swarm of its own. */
async function playOn(
  mesh: Mesh,
  asked: ChaosArguments,
  signal: AbortSignal,
  isOver: (run: Run) => void,
): Promise<void> {
  const cluster = await startCluster({ name: 'chaos', nodes: 3, fairway: mesh === 'fairway', report: step, signal });
  let hasFailed = false;
  try {
    await playAll(cluster, mesh, asked, signal, (run) => {
      hasFailed ||= isFailed(run);
      isOver(run);
    });
    signal.throwIfAborted();
    if (hasFailed) step(`logs are kept in ${keepLogs(cluster.name)}`);
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
