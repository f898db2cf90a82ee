import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attempt, CommandFailed, run } from './command.ts';

/** Something must be installed and this machine has no apt-get to do it with. */
export class AptAbsent extends Error {
  constructor(missing: readonly string[]) {
    super(
      `This is no Debian (there is no apt-get), so install what is missing by hand and start again: ${missing.join(', ')}`,
    );
    this.name = 'AptAbsent';
  }
}

/** The machine's package sources name no mirror that another suite of Debian could be read from. */
export class MirrorUnknown extends Error {
  constructor(suite: string) {
    super(
      `No mirror of Debian's main archive is among this machine's package sources, so ${suite} cannot be read. Add Debian's own source to /etc/apt, or put a nats-server of 2.15 or later on the PATH`,
    );
    this.name = 'MirrorUnknown';
  }
}

const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# Written by Fairway for the time of one installation.';

/**
 * Debian's packages start their daemons on being installed, and a dockerd in the root namespace would change the real
 * machine's firewall. policy-rc.d is Debian's way to say no; one that is already there is the owner's and stays.
 */
async function withoutStartingDaemons<Result>(work: () => Promise<Result>): Promise<Result> {
  const isOwn = existsSync(policyFile) && (await readFile(policyFile, 'utf8')).includes(policyMark);
  if (existsSync(policyFile) && !isOwn) return work();
  await writeFile(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`);
  await chmod(policyFile, 0o755);
  try {
    return await work();
  } finally {
    await rm(policyFile, { force: true });
  }
}

const quiet = { DEBIAN_FRONTEND: 'noninteractive', APT_LISTCHANGES_FRONTEND: 'none' };

async function canInstall(packages: readonly string[]): Promise<boolean> {
  const simulated = await attempt(['apt-get', 'install', '--simulate', '--no-install-recommends', ...packages]);
  return simulated.status === 0;
}

/** Installs packages from the machine's own sources, whose lists are read again only where they do not do. */
export async function install(packages: readonly string[], report: (line: string) => void): Promise<void> {
  if ((await attempt(['apt-get', '--version'])).status !== 0) throw new AptAbsent(packages);
  const argv = ['apt-get', 'install', '--yes', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', ...packages];
  let isUpdated = false;
  const update = async () => {
    report('apt-get update: the lists do not have these packages, or are out of date');
    await run(['apt-get', 'update']);
    isUpdated = true;
  };
  if (!(await canInstall(packages))) await update();
  await withoutStartingDaemons(async () => {
    try {
      await run(argv, { env: quiet });
    } catch (error) {
      if (isUpdated || !(error instanceof CommandFailed)) throw error;
      // A list of last month names files that the mirror has replaced since.
      await update();
      await run(argv, { env: quiet });
    }
  });
  await disableUnits(packages);
}

/** What was installed for Fairway's own use must not start by itself at the next boot either. */
async function disableUnits(packages: readonly string[]): Promise<void> {
  if (!packages.includes('docker.io') || !existsSync('/run/systemd/system')) return;
  await attempt(['systemctl', 'disable', 'docker.service', 'docker.socket', 'containerd.service']);
}

/** Debian's main mirror as this machine uses it: the source of its own release, without the updates and security ones. */
export function parseMirror(indextargets: string, release: string): string | undefined {
  return indextargets
    .split('\n')
    .map((line) => line.split('|'))
    .find(([, suite, component]) => suite === release && component === 'main')?.[0];
}

async function findMirror(suite: string): Promise<string> {
  const release = /^VERSION_CODENAME=(\S+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? '';
  const format = ['--format', '$(REPO_URI)|$(CODENAME)|$(COMPONENT)', 'Identifier: Packages'];
  const byCodename = parseMirror(await run(['apt-get', 'indextargets', ...format]), release);
  if (byCodename) return byCodename;
  throw new MirrorUnknown(suite);
}

/** What a package of this description (`apt-cache show`) needs whose name is of this form, or undefined. */
export function parseDependency(description: string, form: RegExp): string | undefined {
  const needs = /^Depends: (.*)$/m.exec(description)?.[1] ?? '';
  return needs
    .split(/[,|]/)
    .map((need) => need.trim().split(' ')[0] ?? '')
    .find((name) => form.test(name));
}

/**
 * Unpacks a package of another suite of Debian into a folder, installing nothing. Sources, lists and cache are private
 * and temporary: the machine's own never hear of that suite. Debian's keyring checks what comes. Where the package is
 * but a name for the newest of several, `follow` is the form of theirs: linux-image-amd64 needs linux-image-6.1.0-...
 */
export async function unpackFromSuite(
  suite: string,
  packageName: string,
  into: string,
  follow?: RegExp,
): Promise<void> {
  if ((await attempt(['apt-get', '--version'])).status !== 0) throw new AptAbsent([packageName]);
  const mirror = await findMirror(suite);
  const dir = await mkdtemp('/var/tmp/fairway-apt-');
  try {
    for (const part of ['state/lists/partial', 'cache/archives/partial', 'download']) {
      await mkdir(join(dir, part), { recursive: true });
    }
    // apt downloads as its own unprivileged user.
    const aptUser = Number((await attempt(['id', '-u', '_apt'])).stdout.trim() || 0);
    await chmod(dir, 0o755);
    await chown(join(dir, 'download'), aptUser, 0);
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    const signedBy = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
    await writeFile(join(dir, 'sources.list'), `deb ${signedBy}${mirror} ${suite} main\n`);
    await writeFile(join(dir, 'status'), '');
    const settings = {
      'Dir::Etc::sourcelist': join(dir, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::State': join(dir, 'state'),
      'Dir::State::status': join(dir, 'status'),
      'Dir::Cache': join(dir, 'cache'),
      'Acquire::Languages': 'none',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    await run(['apt-get', ...options, 'update']);
    const description = follow ? await run(['apt-cache', ...options, 'show', packageName]) : '';
    const meant = (follow && parseDependency(description, follow)) ?? packageName;
    await run(['apt-get', ...options, 'download', meant], { cwd: join(dir, 'download') });
    await unpackOne(join(dir, 'download'), into);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function unpackOne(dir: string, into: string): Promise<void> {
  const [archive] = (await readdir(dir)).filter((name) => name.endsWith('.deb'));
  if (!archive) throw new CommandFailed(['apt-get', 'download'], { status: 0, stdout: '', stderr: 'no file came' });
  await mkdir(into, { recursive: true });
  await run(['dpkg', '-x', join(dir, archive), into]);
}
