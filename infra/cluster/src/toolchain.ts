import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { install, unpackFromSuite } from './apt.ts';
import { attempt } from './command.ts';
import { toolsBinDir, toolsDir } from './project.ts';
import { findVersion, isAtLeast, showVersion, type Version } from './version.ts';

/** Programs that are not simply taken from the PATH by name. */
export interface Toolchain {
  natsServer: string;
  /** A statically linked one: it is what the image app:1 consists of. */
  busybox: string;
  socat: string;
  perl: string;
}

/** Only root can make network namespaces and install packages. */
export class NotRoot extends Error {
  constructor() {
    super('Network namespaces, dockerd and nftables need root. Run the same command as root: sudo -i, or sudo npm ...');
    this.name = 'NotRoot';
  }
}

/** A program that has to be on the PATH, and the package of Debian that brings it. */
export interface Requirement {
  program: string;
  package: string;
  /** What it is needed for, said when it is installed. */
  purpose: string;
  least?: Version;
  /** Arguments that make it say its version. */
  versionArgs?: string[];
}

const requirements: Requirement[] = [
  {
    program: 'dockerd',
    package: 'docker.io',
    purpose: "the swarm's engines",
    least: [20, 10],
    versionArgs: ['--version'],
  },
  { program: 'docker', package: 'docker.io', purpose: 'trying the swarm by hand' },
  { program: 'nft', package: 'nftables', purpose: "Fairway's rules", least: [1, 0, 6], versionArgs: ['--version'] },
  { program: 'iptables', package: 'iptables', purpose: "Docker's own rules" },
  { program: 'ip', package: 'iproute2', purpose: "the nodes' networks" },
  { program: 'nsenter', package: 'util-linux', purpose: 'entering the nodes' },
  { program: 'conntrack', package: 'conntrack', purpose: 'ending connections to a task that is gone' },
  { program: 'ping', package: 'iputils-ping', purpose: 'telling whether a node is lost' },
  { program: 'openssl', package: 'openssl', purpose: "the bus's certificates" },
  { program: 'curl', package: 'curl', purpose: 'asking the nodes' },
  { program: 'socat', package: 'socat', purpose: 'the TCP server in the image app:1' },
  { program: 'perl', package: 'perl-base', purpose: 'the UDP server in the image app:1' },
];

function programPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, program))
    .find((path) => existsSync(path));
}

/** Why a requirement is not met, or undefined when it is. */
async function shortcoming(requirement: Requirement): Promise<string | undefined> {
  if (!programPath(requirement.program)) return `${requirement.program} is missing`;
  if (!requirement.least) return undefined;
  const said = await attempt([requirement.program, ...(requirement.versionArgs ?? [])]);
  const version = findVersion(said.stdout);
  if (version && isAtLeast(version, requirement.least)) return undefined;
  const found = version ? showVersion(version) : 'of an unknown version';
  return `${requirement.program} is ${found}, ${showVersion(requirement.least)} is needed`;
}

/** With AppArmor in the kernel, dockerd starts no container unless it can load its profile with this program. */
function appArmorRequirement(): Requirement[] {
  const enabled = '/sys/module/apparmor/parameters/enabled';
  return existsSync(enabled) && readFileSync(enabled, 'utf8').startsWith('Y')
    ? [{ program: 'apparmor_parser', package: 'apparmor', purpose: "Docker's containers on a kernel with AppArmor" }]
    : [];
}

/**
 * What is tried here: three servers of 2.10.27 that begin at once leave one out now and then, and of 2.15.1 none did (decision
 * 0011). Debian 12 has 2.9.10, and Debian 13 2.10.27; Debian 14's is a single static program that runs on both.
 */
const natsLeast: Version = [2, 15];

async function natsServerVersion(program: string): Promise<Version | undefined> {
  return findVersion((await attempt([program, '--version'])).stdout);
}

async function ensureNatsServer(report: (line: string) => void): Promise<string> {
  const own = join(toolsBinDir, 'nats-server');
  const onPath = programPath('nats-server');
  for (const program of [own, ...(onPath ? [onPath] : [])]) {
    const version = existsSync(program) ? await natsServerVersion(program) : undefined;
    if (version && isAtLeast(version, natsLeast)) return program;
  }
  report("installing nats-server of Debian 14 in .tools: three servers take 2.15 or later, and Debian 12's is 2.9.10");
  await unpackInto('nats-server', 'forky', 'nats-server', 'usr/sbin/nats-server');
  return own;
}

/** Static, since it runs in containers that hold nothing else. Debian's package of it would replace the usual busybox. */
async function ensureBusybox(report: (line: string) => void): Promise<string> {
  const own = join(toolsBinDir, 'busybox');
  const installed = '/bin/busybox';
  for (const program of [own, installed]) {
    if (existsSync(program) && (await attempt(['ldd', program])).status !== 0 && (await hasApplets(program))) {
      return program;
    }
  }
  report('installing busybox-static in .tools: the image app:1 is made of it, and Docker is given no registry');
  await unpackInto('busybox', 'bookworm', 'busybox-static', 'bin/busybox');
  return own;
}

async function hasApplets(program: string): Promise<boolean> {
  const applets = (await attempt([program, '--list'])).stdout.split('\n');
  return ['httpd', 'nc', 'wget', 'nslookup'].every((applet) => applets.includes(applet));
}

/** Puts one program of a package into .tools/bin; the name appears there only when it is complete. */
async function unpackInto(name: string, suite: string, packageName: string, program: string): Promise<void> {
  const dir = join(toolsDir, packageName);
  const draft = `${dir}.${process.pid}`;
  await unpackFromSuite(suite, packageName, draft);
  await rm(dir, { recursive: true, force: true });
  await rename(draft, dir);
  await mkdir(toolsBinDir, { recursive: true });
  const link = join(toolsBinDir, name);
  await rm(link, { force: true });
  await symlink(join('..', packageName, program), link);
}

/** Installs the packages of what is missing or too old, saying what and why. Throws NotRoot, AptAbsent, CommandFailed. */
export async function ensurePrograms(needed: readonly Requirement[], report: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) throw new NotRoot();
  const lacking = new Set<string>();
  for (const requirement of needed) {
    const reason = await shortcoming(requirement);
    if (!reason) continue;
    report(`installing ${requirement.package}: ${reason} (${requirement.purpose})`);
    lacking.add(requirement.package);
  }
  if (lacking.size > 0) await install([...lacking], report);
}

/** Installs whatever a cluster needs and this machine lacks, saying what and why. Throws NotRoot, AptAbsent, CommandFailed. */
export async function ensureToolchain(report: (line: string) => void): Promise<Toolchain> {
  await ensurePrograms([...requirements, ...appArmorRequirement()], report);
  const natsServer = await ensureNatsServer(report);
  const busybox = await ensureBusybox(report);
  return {
    natsServer,
    busybox,
    socat: programPath('socat') ?? '/usr/bin/socat',
    perl: programPath('perl') ?? '/usr/bin/perl',
  };
}
