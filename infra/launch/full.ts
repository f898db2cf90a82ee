import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// All that `npm test` does, and what takes too long for every change. Ends with the first part that fails.
const project = fileURLToPath(new URL('../../', import.meta.url));
const simulation = 'load/simulation/src/main.ts';
const acceptance = 'load/acceptance/src';
/** Those that need a kernel, all of them, one file after the other: side by side they take no less there. */
const kernelTests = 'FAIRWAY_BALANCER=ipvs vitest run --project kernel --no-file-parallelism --reporter=verbose';
/** Each in a machine of its own: a file takes from five minutes to an hour there. */
const swarmTests = readdirSync(`${project}${acceptance}`)
  .filter((file) => file.endsWith('.swarm.test.ts'))
  .map((file) => `vitest run --project swarm --reporter=verbose ${acceptance}/${file}`);
const parts = [
  ['infra/launch/test.ts'],
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'lab'],
  ['infra/lab/main.ts', '--limit', '60', kernelTests],
  ...swarmTests.map((command) => ['infra/lab/main.ts', '--limit', '90', command]),
  [simulation, '--seeds', '1001..10000'],
  [simulation, '--faults'],
  [
    'load/chaos/src/main.ts',
    '--random',
    '--seeds',
    '1..20',
    '--minutes',
    '5',
    '--results',
    'load/results/chaos-random.md',
  ],
];

const usage = `Usage: npm run full

All stages of npm test, then the lab's own tests, then all tests of a kernel and of the real swarm in the lab, where IPVS
balances, then 9,000 further seeds of the simulation, then its planted faults, then chaos from 20 seeds for five minutes each.
`;

function main(): number {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(usage);
    return 0;
  }
  for (const args of parts) {
    const { status } = spawnSync(process.execPath, args, { cwd: project, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
  }
  return 0;
}

process.exitCode = main();
