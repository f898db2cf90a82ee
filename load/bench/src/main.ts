import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Cluster, keepLogs, measuredOn, startCluster, tracesUrl } from '@fairway/cluster';
import { measureConvergence } from './convergence.ts';
import { measureDrift } from './drift.ts';
import { measureFanOut } from './fan-out.ts';
import { measureFootprint } from './footprint.ts';
import { type Measuring, standard } from './measuring.ts';
import { measurePowerLoss } from './power-loss.ts';
import { measureRollingUpdates } from './rolling-updates.ts';

type Measure<Bench extends readonly unknown[]> = (...args: [...Bench, Measuring]) => Promise<string>;
type Benchmark = { readonly says: string; readonly measure: Measure<[]> };

const benchmarks: Readonly<Record<string, Benchmark>> = {
  convergence: {
    says: 'from a container’s start or death to rules and answers on every node',
    measure(measuring) {
      // Handed on to the processes of the cluster. Only here: recording takes memory, too.
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = tracesUrl;
      return onSwarm(measureConvergence, measuring);
    },
  },
  'power-loss': {
    says: 'for how long connections still go to a node that lost power',
    measure(measuring) {
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = tracesUrl;
      return onSwarm(measurePowerLoss, measuring);
    },
  },
  'rolling-updates': {
    says: 'requests that fail while services are updated',
    measure: (measuring) => onSwarm(measureRollingUpdates, measuring),
  },
  drift: {
    says: 'how soon what others change on a node is found, and right again',
    measure: (measuring) => onSwarm(measureDrift, measuring),
  },
  footprint: {
    says: 'memory and idle processor time of all processes at 100 services, and memory at 2,000',
    measure: (measuring) => onSwarm(measureFootprint, measuring),
  },
  'fan-out': {
    says: 'how a change reaches a thousand watchers of the bus, two ways side by side; without a swarm',
    measure: measureFanOut,
  },
};

const usage = `Usage: npm run bench -- BENCHMARK [OPTIONS]

Measures on a real swarm of three nodes, made for it and removed after it, or on NATS alone, prints a table, and writes
it to load/results where it is of the standard.

${Object.entries(benchmarks)
  .map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`)
  .join('\n')}

  --changes N      how many starts and deaths convergence measures, ${standard.changes} unless told
  --trials N       how often a node loses power in power-loss, and each fault strikes in drift, ${standard.trials} unless told
  --updates N      how often a service is updated in each way in rolling-updates, ${standard.updates} unless told
  --rounds N       how many rounds of each way fan-out has, ${standard.rounds} unless told
  --fan-out S,W,C  S servers, W watchers (a multiple of 4) and C changes a second, instead of the standard
`;

const results = fileURLToPath(new URL('../../results/', import.meta.url));

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function onSwarm(measure: Measure<[Cluster]>, measuring: Measuring): Promise<string> {
  const { report, signal } = measuring;
  const cluster = await startCluster({ name: 'bench', nodes: 3, fairway: true, report, signal });
  try {
    return await measure(cluster, measuring);
  } catch (error) {
    report(`logs are kept in ${keepLogs(cluster.name)}`);
    throw error;
  } finally {
    report('removing the cluster');
    await cluster.stop();
  }
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      changes: { type: 'string', default: `${standard.changes}` },
      updates: { type: 'string', default: `${standard.updates}` },
      trials: { type: 'string', default: `${standard.trials}` },
      rounds: { type: 'string', default: `${standard.rounds}` },
      'fan-out': { type: 'string' },
    },
  });
  const [name = ''] = positionals;
  const [changes = 0, rounds = 0, trials = 0, updates = 0] = [
    values.changes,
    values.rounds,
    values.trials,
    values.updates,
  ].map(Number);
  const told = values['fan-out']?.split(',').map(Number);
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  const [servers = 0, watchers = 0, perSecond = 0] = told ?? [1, 4, 1];
  const sensible =
    changes >= 2 &&
    [changes, rounds, trials, updates, servers, watchers / 4, perSecond].every(
      (number) => Number.isInteger(number) && number > 0,
    );
  if (!benchmark || !sensible) {
    process.stderr.write(usage);
    return 2;
  }
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort(new Error(signal)));
  const fanOut = told && { servers, watchers, perSecond };
  const measured = await benchmark.measure({ changes, rounds, trials, updates, fanOut, report, signal: end.signal });
  const text = `# ${name}\n\n${await measuredOn()}\n\n${measured}`;
  const isWhole = changes >= standard.changes && rounds >= standard.rounds && trials >= standard.trials;
  if (isWhole && updates >= standard.updates && !fanOut) {
    mkdirSync(results, { recursive: true });
    writeFileSync(`${results}${name}.md`, text);
  }
  process.stdout.write(`\n${text}`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// What an aborted measurement left pending must not hold the process up.
process.exit();
