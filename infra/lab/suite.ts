/**
 * What `npm run lab` runs in the machine when it is given no command, chosen to fit into its limit: that this kernel takes
 * and gives back what is written for IPVS, that connections come to where IPVS is told to lead them, that what others change of
 * it is put right, and that on a real swarm a published port and a virtual IP are served beside Docker's own mesh, by the
 * counters of both, and what others change of that is found (`npm run full` runs all tests of the real swarm in it). What needs
 * no IPVS is left to the machine outside, which is 11 to 20 times faster. A failure of one does not hide the next; ends with a
 * line "N passed, N failed", and status 1 if any failed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { showFailures, showTally, sum, type Tally, tallyTests } from '../launch/tally.ts';

type Part = {
  /** The Vitest project. */
  readonly project: 'kernel' | 'swarm';
  readonly files: readonly string[];
  /** Their tests whose names say one of these. */
  readonly named: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

/**
 * One after the other, and so are their files: side by side they took no less. Beside the start of a swarm each of the
 * kernel's tests took ten times as long.
 */
const parts: readonly Part[] = [
  {
    project: 'kernel',
    files: ['linux.kernel.test.ts', 'traffic.kernel.test.ts', 'drift.kernel.test.ts'],
    named: [
      ...['with ipvs', 'balanced by', 'timeouts', 'of what no event tells'],
      ...['published port answers', 'refused at once', 'UDP client that always', 'TCP client', 'a virtual IP'],
    ],
    env: { FAIRWAY_BALANCER: 'ipvs' },
  },
  {
    project: 'swarm',
    files: ['beside-docker.swarm.test.ts'],
    named: [
      'a virtual IP is balanced by Fairway alone',
      'a published port is balanced by Fairway alone',
      'an audit finds',
    ],
  },
];

function run({ project, files, named, env }: Part): Tally {
  const reportFile = join(tmpdir(), `fairway-lab-${project}.json`);
  rmSync(reportFile, { force: true });
  const { status } = spawnSync(
    'vitest',
    [
      ...['run', '--project', project, '--no-file-parallelism', ...files, '--testNamePattern', named.join('|')],
      ...['--reporter=verbose', '--reporter=json', `--outputFile.json=${reportFile}`],
    ],
    { stdio: 'inherit', env: { ...process.env, ...env } },
  );
  return tallyTests(status ?? 1, readReport(reportFile));
}

function readReport(reportFile: string): string | undefined {
  try {
    return readFileSync(reportFile, 'utf8');
  } catch {
    return undefined;
  }
}

const total = sum(parts.map(run));
process.stdout.write(`\n${showFailures(total)}${showTally(total)}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
