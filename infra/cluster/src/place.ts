import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The name of a cluster cannot be used in names of namespaces and folders. */
export class ClusterNameInvalid extends Error {
  constructor(name: string) {
    super(`"${name}" cannot name a cluster: use up to 12 lower case letters and digits, a letter first`);
    this.name = 'ClusterNameInvalid';
  }
}

/**
 * Where a cluster of a name has its things. All of it can be found again from the name alone, so that a later run
 * removes what a killed one left. Short, because a unix socket's path must fit into 108 bytes; in /var/lib rather than
 * in the checkout, whose path may be long, or on a file system without overlay support.
 */
export interface ClusterPlace {
  name: string;
  /** Exists exactly while the cluster does; made by an atomic rename, which makes it the lock too. */
  runDir: string;
  stateFile: string;
  /** Data, sockets and logs of every part. */
  dataDir: string;
  logDir: string;
  binDir: string;
  imageFile: string;
  /** Name of the cgroup, in every hierarchy, that holds all of the cluster's processes. */
  cgroup: string;
  /** Every network namespace of the cluster has a name that begins like this. */
  namespacePrefix: string;
}

/** No dash: the namespaces of "dev" would otherwise include those of a cluster "dev-2". */
const nameForm = /^[a-z][a-z0-9]{0,11}$/;
const runPrefix = '/run/fairway-';
const dataPrefix = '/var/lib/fairway-';

export function placeOf(name: string): ClusterPlace {
  if (!nameForm.test(name)) throw new ClusterNameInvalid(name);
  const runDir = `${runPrefix}${name}`;
  const dataDir = `${dataPrefix}${name}`;
  return {
    name,
    runDir,
    stateFile: join(runDir, 'cluster.json'),
    dataDir,
    logDir: join(dataDir, 'log'),
    binDir: join(dataDir, 'bin'),
    imageFile: join(dataDir, 'app-1.tar'),
    cgroup: `fairway-${name}`,
    namespacePrefix: `fairway-${name}-`,
  };
}

/** The clusters of which there is anything on this machine. */
export function clusterNames(): string[] {
  const names = [runPrefix, dataPrefix].flatMap((prefix) => {
    const parent = dirname(prefix);
    const start = basename(prefix);
    if (!existsSync(parent)) return [];
    return readdirSync(parent)
      .filter((entry) => entry.startsWith(start))
      .map((entry) => entry.slice(start.length));
  });
  return [...new Set(names)].filter((name) => nameForm.test(name));
}
