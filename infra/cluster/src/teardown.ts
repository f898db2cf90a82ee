import { existsSync, readFileSync, rmSync } from 'node:fs';
import { cgroupExists, killCgroup } from './cgroup.ts';
import { run } from './command.ts';
import { restoreForwarding } from './forwarding.ts';
import { deleteNamespace, listNamespaces } from './namespace.ts';
import { type ClusterPlace, clusterNames, placeOf } from './place.ts';
import { ClusterRunning, ownerOf } from './state.ts';

/** Whether anything of a cluster is on this machine. */
function isPresent(place: ClusterPlace): boolean {
  return (
    existsSync(place.runDir) ||
    existsSync(place.dataDir) ||
    cgroupExists(place.cgroup) ||
    listNamespaces(place.namespacePrefix).length > 0
  );
}

/** Mount points below a folder, innermost first. */
function mountsBelow(dir: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((point) => point.startsWith(`${dir}/`))
    .reverse();
}

/**
 * Removes every process, namespace, mount and file of a cluster, by its name alone and whatever state it is in. Nothing
 * is asked to end in order: with the machines gone there is no swarm left to say goodbye to, and their mounts and
 * sandboxes go with their last process. The run folder goes last, so that a teardown that was cut short is seen.
 */
export async function removeCluster(place: ClusterPlace): Promise<void> {
  await killCgroup(place.cgroup);
  await Promise.all(listNamespaces(place.namespacePrefix).map(deleteNamespace));
  for (const point of mountsBelow(place.dataDir)) await run(['umount', '--lazy', point]);
  rmSync(place.dataDir, { recursive: true, force: true });
  rmSync(place.runDir, { recursive: true, force: true });
  restoreForwarding();
}

/**
 * Removes what a run that was killed left of the cluster of this name. Returns whether there was anything. Throws
 * ClusterRunning when it was not killed at all.
 */
export async function recoverCluster(name: string): Promise<boolean> {
  const place = placeOf(name);
  const owner = ownerOf(place);
  if (owner) throw new ClusterRunning(name, owner.pid);
  if (!isPresent(place)) return false;
  await removeCluster(place);
  return true;
}

/**
 * Removes what killed runs left, whatever the names of their clusters, and returns those names. Clusters that are in
 * use stay.
 */
export async function recoverClusters(): Promise<string[]> {
  const removed: string[] = [];
  for (const name of clusterNames()) {
    if (!ownerOf(placeOf(name)) && (await recoverCluster(name))) removed.push(name);
  }
  return removed;
}
