import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findFault, plantedFaults } from './find-faults.ts';
import { drawStory } from './story/draw.ts';
import { type Story, showEvent, showTime } from './story/story.ts';
import { trySeeds } from './try-seeds.ts';
import { shrunk, tried } from './try-story.ts';

const usage = `Usage: npm run sim -- [--seed N | --seeds A..B | --story FILE | --faults [NAME...]] [--steps M] [--trace]

Runs the whole controller on simulated time, under the misfortunes that a seed draws, and compares what every node's
kernel has in the end with what the simulated Docker says. A story that fails is shrunk to the fewest events that do.
Ends with status 0 where all is as it should be, 1 where a seed fails, 2 for wrong arguments.

  --seed N       one seed; it replays exactly
  --seeds A..B   many, on all cores, until the first failures; 1..200 if nothing is given
  --story FILE   a story that --keep has written, as it stands there
  --faults       plant each fault of load/simulation/faults, or those named, in a copy, and find it within 200 seeds
  --steps M      how many events a story has, 30 if not given
  --trace        tell the story of the run in lines (of the shrunk one, where it fails)
  --keep FILE    write the shrunk story of a failing seed there
  --failures N   of many seeds: end after so many that fail, 5 if not given
`;

const stepsUsual = 30;
/** Within so many seeds each planted fault is to be found. */
const faultSeeds = 200;

type Given = {
  readonly steps: number;
  readonly trace: boolean;
  readonly keep: string | undefined;
  /** After so many failing seeds of many the others are not tried. */
  readonly failuresMax: number;
};

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs one story and tells of it; the status to end with. */
async function runOne(name: string, story: Story, isKept: boolean, { trace, keep, steps }: Given): Promise<number> {
  let told = story;
  let report = await tried(story);
  const failed = report.failures.length > 0;
  if (failed && !isKept) {
    print(`${name} fails; shrinking its ${story.events.length} events`);
    told = await shrunk(story);
    report = await tried(told);
  }
  if (trace) for (const { atMs, who, what } of report.lines) print(`${showTime(atMs)}  ${who.padEnd(9)} ${what}`);
  if (!failed) {
    print(`${name} ends as it should, ${(report.quietMs / 1000).toFixed(1)} s after its last event`);
    return 0;
  }
  print(`\n${name} fails with ${told.events.length} events:`);
  for (const event of told.events) print(`  ${showEvent(event)}`);
  print('');
  for (const failure of report.failures) print(`  ${failure}`);
  if (keep) writeFileSync(keep, `${JSON.stringify(told, null, 2)}\n`);
  if (!isKept) print(`\nnpm run sim -- --seed ${story.seed} --steps ${steps} --trace`);
  return 1;
}

async function runMany(first: number, last: number, { steps, failuresMax }: Given): Promise<number> {
  const startMs = performance.now();
  const failing: number[] = [];
  let done = 0;
  let slowestMs = 0;
  await trySeeds(first, last, steps, ({ seed, failures, quietMs }) => {
    done += 1;
    slowestMs = Math.max(slowestMs, quietMs);
    if (failures.length > 0) {
      failing.push(seed);
      print(`seed ${seed} fails: ${failures[0]}`);
    }
    if (done % 100 === 0) process.stderr.write(`${done} of ${last - first + 1} seeds\n`);
    return failing.length < failuresMax;
  });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  print(
    `${done} seeds of ${steps} events in ${seconds} s; the slowest was quiet after ${(slowestMs / 1000).toFixed(1)} s`,
  );
  for (const seed of failing.sort((a, b) => a - b)) print(`npm run sim -- --seed ${seed} --steps ${steps} --trace`);
  return failing.length > 0 ? 1 : 0;
}

function runFaults(named: readonly string[]): number {
  const planted = plantedFaults();
  const unknown = named.find((name) => !planted.includes(name));
  if (unknown !== undefined) return refuse(`no fault ${unknown}; there are ${planted.join(', ')}`);
  const all = (named.length > 0 ? named : planted).map((fault) => {
    const found = findFault(fault, faultSeeds);
    print(`${fault.padEnd(30)} ${found.line ? `found in ${found.seconds.toFixed(0)} s: ${found.line}` : 'NOT FOUND'}`);
    return found;
  });
  const missed = all.filter(({ line }) => line === undefined);
  print(`${all.length - missed.length} of ${all.length} planted faults were found within ${faultSeeds} seeds`);
  return missed.length > 0 ? 1 : 0;
}

function refuse(why: string): number {
  process.stderr.write(`${why}\n\n${usage}`);
  return 2;
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      story: { type: 'string' },
      steps: { type: 'string', default: `${stepsUsual}` },
      trace: { type: 'boolean', default: false },
      keep: { type: 'string' },
      faults: { type: 'boolean', default: false },
      failures: { type: 'string', default: '5' },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const steps = Number(values.steps);
  if (!Number.isInteger(steps) || steps < 0) return refuse('--steps is a number of events');
  const failuresMax = Number(values.failures);
  if (!Number.isInteger(failuresMax) || failuresMax < 1) return refuse('--failures is a number of seeds');
  const given: Given = { steps, trace: values.trace, keep: values.keep, failuresMax };
  if (values.faults) return runFaults(positionals);
  if (positionals.length > 0) return refuse(`${positionals.join(' ')}?`);
  if (values.story !== undefined) {
    const story = JSON.parse(readFileSync(values.story, 'utf8')) as Story;
    return runOne(values.story, story, true, given);
  }
  if (values.seed !== undefined) {
    const seed = Number(values.seed);
    if (!Number.isInteger(seed) || seed < 0) return refuse('--seed is a whole number');
    return runOne(`seed ${seed}`, drawStory(seed, steps), false, given);
  }
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(values.seeds ?? '1..200') ?? [];
  if (Number(first) > Number(last) || last === undefined) return refuse('--seeds is two numbers: 1..1000');
  return runMany(Number(first), Number(last), given);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof Error && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS');
  process.exitCode = isUsage ? refuse(error.message) : 1;
  if (!isUsage) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
}
