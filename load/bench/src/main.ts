import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCluster, tracesUrl } from '@fairway/cluster';
import { measureConvergence } from './convergence.ts';
import { measureFootprint } from './footprint.ts';
import { machine } from './machine.ts';

const benchmarks = {
  convergence: {
    says: 'from a container’s start or death to rules and answers on every node',
    measure: measureConvergence,
  },
  footprint: { says: 'memory and idle processor time of the node process at 100 services', measure: measureFootprint },
} as const;

const standardChanges = 200;

const usage = `Usage: npm run bench -- BENCHMARK [--changes N]

Measures on a real swarm of three nodes, made for it and removed after it, prints a table, and writes it to load/results
unless it is of fewer changes than the standard.

${Object.entries(benchmarks)
  .map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`)
  .join('\n')}

  --changes N   how many starts and deaths convergence measures, ${standardChanges} unless told
`;

const results = fileURLToPath(new URL('../../results/', import.meta.url));

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, changes: { type: 'string', default: `${standardChanges}` } },
  });
  const [name = ''] = positionals;
  const changes = Number(values.changes);
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!Object.hasOwn(benchmarks, name) || !Number.isInteger(changes) || changes < 2) {
    process.stderr.write(usage);
    return 2;
  }
  const { measure } = benchmarks[name as keyof typeof benchmarks];
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort(new Error(signal)));
  // Handed on to the processes of the cluster, where the benchmark measures by it: recording takes memory, too.
  if (name === 'convergence') process.env.OTEL_EXPORTER_OTLP_ENDPOINT = tracesUrl;
  const cluster = await startCluster({ name: 'bench', nodes: 3, fairway: true, report, signal: end.signal });
  try {
    const measured = await measure(cluster, { changes, report, signal: end.signal });
    const text = `# ${name}\n\n${await machine()}\n\n${measured}`;
    if (changes >= standardChanges) {
      mkdirSync(results, { recursive: true });
      writeFileSync(`${results}${name}.md`, text);
    }
    process.stdout.write(`\n${text}`);
    return 0;
  } finally {
    report('removing the cluster');
    await cluster.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// What an aborted measurement left pending must not hold the process up.
process.exit();
