// Starts the project's commands on a machine that has nothing but some Node >= 18 and npm: installs the packages when
// the lock file is newer than what is installed, and hands over to the Node version that the project pins. Plain
// JavaScript without imports of packages, because it runs before there are any.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, realpathSync, statSync, utimesSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const pnpm = 'pnpm@12.21.0';
const nodeLeast = 18;

const commands = {
  dev: { main: 'infra/dev/main.ts', says: 'a swarm with Fairway on this machine, until Ctrl-C' },
  test: { main: 'infra/launch/test.ts', says: 'all checks and tests, or the stages named' },
  lab: { main: 'infra/lab/main.ts', says: 'tests, a shell or a command on a kernel with IPVS, in an emulated machine' },
  bench: { main: 'load/bench/src/main.ts', says: 'speed and memory, measured on a real swarm' },
  chaos: {
    main: 'load/chaos/src/main.ts',
    says: 'things go wrong in a real swarm under traffic, by name or at random',
  },
  sim: { main: 'load/simulation/src/main.ts', says: 'the whole controller on simulated time, from a seed' },
  full: { main: 'infra/launch/full.ts', says: 'all tests, 10,000 seeds of the simulation, and its planted faults' },
  fairway: { main: 'services/cli/src/main.ts', says: 'the command-line client' },
};

const usage = `Usage: node infra/launch/launch.mjs COMMAND [ARGUMENTS]

${Object.entries(commands)
  .map(([name, { says }]) => `  ${name.padEnd(8)} ${says}`)
  .join('\n')}

COMMAND --help tells more of each.
`;

/** Says what is wrong and ends with the status of a usage error. */
function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function modifiedMs(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

/** The environment without what npm, pnpm and npx put there: their settings would be taken for the inner pnpm's own. */
function withoutNpm(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
}

function install() {
  const installed = join(project, 'node_modules/.modules.yaml');
  if (modifiedMs(installed) > modifiedMs(join(project, 'pnpm-lock.yaml'))) return;
  process.stderr.write("installing the project's packages, and the Node it pins, into node_modules (a few seconds)\n");
  const result = spawnSync('npx', ['--yes', pnpm, 'install', '--frozen-lockfile'], {
    cwd: project,
    env: withoutNpm(process.env),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.error) refuse(`npx cannot be run (${result.error.message}). Install npm: apt-get install npm`);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    process.stderr.write(
      `${pnpm} install failed with status ${result.status}, see above. Is the package registry reachable?\n`,
    );
    process.exit(1);
  }
  // pnpm leaves the file alone when there was nothing to do, and it would be asked again each time.
  const now = new Date();
  if (existsSync(installed)) utimesSync(installed, now, now);
}

function pinnedNode() {
  const file = join(project, `node_modules/node-linux-${process.arch}/bin/node`);
  if (!existsSync(file)) {
    refuse(
      `The project's own Node is not at ${file}: it comes for Linux on x64 and arm64, this is ${process.platform} on ${process.arch}.`,
    );
  }
  return realpathSync(file);
}

const nodeMajor = Number(process.versions.node.split('.')[0]);
if (nodeMajor < nodeLeast)
  refuse(
    `Node ${nodeLeast} or later is needed to start, this is ${process.versions.node}. Debian 12's does: apt-get install nodejs npm`,
  );

const [name = '', ...given] = process.argv.slice(2);
if (name === '--help' || name === '-h') {
  process.stdout.write(usage);
  process.exit(0);
}
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (!command) refuse(usage);

install();
const node = pinnedNode();
// `pnpm dev -- --once ...` hands the two dashes over, npm does not.
const args = given[0] === '--' ? given.slice(1) : given;
const path = [
  dirname(node),
  join(project, 'node_modules/.bin'),
  join(project, '.tools/bin'),
  process.env.PATH ?? '',
  // A root shell made by su does not have these, and nft and dockerd are there.
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
].join(delimiter);

const child = spawn(node, [join(project, command.main), ...args], {
  stdio: 'inherit',
  env: { ...withoutNpm(process.env), PATH: path },
});
// In a terminal a Ctrl-C reaches the child twice, by the terminal and by us; it counts as one there.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => refuse(`${node} cannot be started: ${error.message}`));
child.on('exit', (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
