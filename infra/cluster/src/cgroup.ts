import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './wait.ts';

/**
 * Everything that a cluster starts lives in cgroups below one name. That is what makes taking it away complete: the
 * kernel's own list cannot miss a containerd-shim whose dockerd was killed, and cgroup.kill (kernel 5.14) leaves a
 * process no moment to fork away. Docker is told to put its containers below the same name, in every hierarchy.
 */

/** The kernel offers no cgroup2 hierarchy, which processes are grouped by. */
export class CgroupUnavailable extends Error {
  constructor() {
    super(
      'No cgroup2 file system is mounted. Mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
    );
    this.name = 'CgroupUnavailable';
  }
}

interface Hierarchy {
  type: 'cgroup' | 'cgroup2';
  dir: string;
  /** What a hierarchy of version 1 is for, e.g. `cpu`. */
  controllers: string[];
}

/** Hierarchies out of /proc/self/mountinfo: fields are `... root mountpoint options [tags] - type source options`. */
export function parseHierarchies(mountinfo: string): Hierarchy[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [type, , options = ''] = line.split(' - ')[1]?.split(' ') ?? [];
    const dir = line.split(' ')[4];
    if (!dir || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ type, dir, controllers: type === 'cgroup' ? options.split(',').slice(1) : [] }];
  });
}

function hierarchies(): Hierarchy[] {
  return parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));
}

function unifiedDir(): string {
  const unified = hierarchies().find((hierarchy) => hierarchy.type === 'cgroup2');
  if (!unified) throw new CgroupUnavailable();
  return unified.dir;
}

/** Makes a cgroup where needed and returns the file that a process writes its pid to in order to enter it. */
export function makeCgroup(name: string): string {
  const dir = join(unifiedDir(), name);
  mkdirSync(dir, { recursive: true });
  return join(dir, 'cgroup.procs');
}

/** What a process weighs, and a group that was given no weight (Documentation/scheduler/sched-design-CFS.rst). */
const processShares = 1024;
/** A cluster of three nodes has some ten containers, and twice as many processes. */
const containersCountAs = 16;

/**
 * Has a cluster's containers together weigh as much as sixteen processes, where the `cpu` controller is of version 1. There
 * only containers have a group of it, and the others are at its top: without this all tasks of all nodes share the time of one
 * process, and with twenty busy ones beside them answer seconds late. Of version 2, every part of a cluster has a group.
 */
export function weighContainers(name: string): void {
  const cpu = hierarchies().find(({ controllers }) => controllers.includes('cpu'));
  if (!cpu) return;
  const dir = join(cpu.dir, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'cpu.shares'), `${containersCountAs * processShares}`);
}

function removeTree(dir: string): void {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(dir, entry.name));
  }
  rmdirSync(dir);
}

/** Kills (-9) whatever is in a cgroup or below it, waits until it is empty, and removes it from every hierarchy. */
export async function killCgroup(name: string): Promise<void> {
  const dir = join(unifiedDir(), name);
  await until(
    `the processes of cgroup ${name} to end, and it to be removed`,
    () => {
      // Again each time: a process that was just started may enter at any moment until the cgroup is gone. One that
      // comes then cannot enter, and ends by itself (see startProcess).
      if (existsSync(dir)) writeFileSync(join(dir, 'cgroup.kill'), '1');
      // The kernel lets go of a cgroup a moment after its last process: EBUSY until then.
      for (const hierarchy of hierarchies()) removeTree(join(hierarchy.dir, name));
      return true;
    },
    { limitMs: 20_000, everyMs: 10 },
  );
}

export function cgroupExists(name: string): boolean {
  return hierarchies().some((hierarchy) => existsSync(join(hierarchy.dir, name)));
}
