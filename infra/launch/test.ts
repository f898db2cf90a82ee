import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureToolchain, recoverClusters } from '@fairway/cluster';
import { chooseStages, type Stage, StageUnknown, stages } from './stage.ts';
import { showFailures, showTally, sum, type Tally, tallyCheck, tallyPrinted, tallyTests } from './tally.ts';

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const usage = `Usage: npm test -- [STAGE...]

Runs all stages, or those named, in this order; goes on after a failed one; ends with a line "N passed, N failed".

${stages.map(({ name, says }) => `  ${name.padEnd(10)} ${says}`).join('\n')}
`;

/** What an interrupted run must not do is begin the next stage. The running one hears of the signal itself. */
let interrupted: NodeJS.Signals | undefined;

/** Runs a program, and gives its status and, as `keep` asks, what it printed; all of it is shown as it comes. */
function runChild(
  program: string,
  args: readonly string[],
  keep = false,
): Promise<{ status: number; printed: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: project,
      stdio: ['inherit', keep ? 'pipe' : 'inherit', 'inherit'],
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    });
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      process.stdout.write(text);
    });
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, forward);
    child.on('error', reject);
    child.on('close', (status, endedBy) => {
      for (const signal of signals) process.off(signal, forward);
      resolve({ status: status ?? 128 + (endedBy ? constants.signals[endedBy] : 0), printed });
    });
  });
}

function reportFile(stage: Stage): string {
  return join(project, '.turbo/results', `${stage.name}.json`);
}

function readReport(stage: Stage): string | undefined {
  try {
    return readFileSync(reportFile(stage), 'utf8');
  } catch {
    return undefined;
  }
}

async function runStage(stage: Stage): Promise<Tally> {
  mkdirSync(dirname(reportFile(stage)), { recursive: true });
  // A report of an earlier run must not be counted again; turbo puts back the one that belongs to its answer.
  rmSync(reportFile(stage), { force: true });
  if (stage.runner === 'turbo' || stage.runner === 'vitest') {
    const { status } = await (stage.runner === 'turbo'
      ? runChild('turbo', ['run', `//#${stage.name}`, '--ui=stream', '--output-logs=full', '--log-prefix=none'])
      : runChild('vitest', [
          ...['run', '--project', stage.name, '--passWithNoTests'],
          ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile(stage)}`],
        ]));
    return stage.hasTests ? tallyTests(status, readReport(stage)) : tallyCheck(status);
  }
  const { status, printed } = await runChild(process.execPath, stage.runner, stage.hasTests);
  return stage.hasTests ? tallyPrinted(status, printed) : tallyCheck(status);
}

async function runStages(chosen: readonly Stage[]): Promise<{ stage: Stage; tally: Tally; seconds: number }[]> {
  const results: { stage: Stage; tally: Tally; seconds: number }[] = [];
  let toolchain: Promise<unknown> | undefined;
  for (const stage of chosen) {
    if (interrupted) break;
    process.stdout.write(`\n=== ${stage.name}: ${stage.says}\n`);
    const startMs = performance.now();
    let tally: Tally;
    try {
      if (stage.needsToolchain) {
        toolchain ??= ensureToolchain((line) => process.stderr.write(`${line}\n`));
        await toolchain;
      }
      tally = await runStage(stage);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
      tally = { ...sum([]), failed: 1 };
    }
    results.push({ stage, tally, seconds: (performance.now() - startMs) / 1000 });
  }
  return results;
}

function showResult({ stage, tally, seconds }: { stage: Stage; tally: Tally; seconds: number }): string {
  const verdict = stage.hasTests ? showTally(tally) : tally.failed > 0 ? 'failed' : 'ok';
  return `${stage.name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${verdict}\n`;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted ??= signal;
    });
  }
  const chosen = chooseStages(args);
  const results = await runStages(chosen);
  // A stage that was ended from outside could not remove its cluster itself.
  for (const name of await recoverClusters()) process.stderr.write(`removed what was left of cluster "${name}"\n`);
  const total = sum(results.map((result) => result.tally));
  process.stdout.write(`\n${results.map(showResult).join('')}\n${showFailures(total)}`);
  const ranNothing = chosen.some((stage) => stage.hasTests) && total.passed + total.failed === 0;
  if (ranNothing) process.stdout.write('no test ran\n');
  process.stdout.write(`${showTally(total)}\n`);
  if (interrupted) return 128 + constants.signals[interrupted];
  return total.failed > 0 || ranNothing ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StageUnknown)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
