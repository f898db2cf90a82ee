import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from './engine.ts';
import { isAlive, type ProcessIdentity } from './identity.ts';
import { addNamespace, enterNamespace } from './namespace.ts';
import type { ClusterPlace } from './place.ts';
import { logTail, type ProcessRecord, StartFailed, startProcess } from './process.ts';
import type { NodeRecord } from './state.ts';
import { nodeAddress, plugIn } from './switch.ts';
import { until } from './wait.ts';

/**
 * A machine of the swarm: its own network, host name and mounts, so that dockerd, the node process and whatever enters
 * by `nsenter` see there what they would see on a real one. A tmpfs over /run hides the real machine's Docker, D-Bus
 * and firewalld, gives each node its own xtables lock, and vanishes with the node, as at a reboot. The resolv.conf
 * makes a pull of the local image fail at once instead of after a resolver's time-outs.
 */
const becomeNode = `set -e
hostname "$1"
resolv=$(readlink -m /etc/resolv.conf)
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock "$(dirname "$resolv")"
[ -e "$resolv" ] || : >"$resolv"
mount --bind "$2" "$resolv"
: >/run/fairway-node
exec sleep infinity
`;

/** Docker's own default, in the node's private /run. */
const execRoot = '/run/docker';

export function nodeRecord(place: ClusterPlace, number: number, role: NodeRecord['role']): Omit<NodeRecord, 'holder'> {
  const name = `node${number}`;
  const dir = join(place.dataDir, name);
  return {
    name,
    address: nodeAddress(number),
    role,
    namespace: `${place.namespacePrefix}${name}`,
    socket: join(dir, 'docker.sock'),
    netnsDir: `${execRoot}/netns`,
    dir,
    swarmNodeId: '',
  };
}

/** The node's cgroup: all that runs on the machine, containers included. Killing it is a power cut. */
export function nodeCgroup(place: ClusterPlace, name: string): string {
  return `${place.cgroup}/${name}`;
}

/** What to put before a command to run it on a node. */
export function enterNode(node: Pick<NodeRecord, 'namespace' | 'holder'>): string[] {
  return [...enterNamespace(node.namespace), 'nsenter', '-t', String(node.holder.pid), '-m', '-u'];
}

/** Makes the machine and connects it to the LAN; nothing runs on it yet but the holder of its namespaces. */
export async function addMachine(
  place: ClusterPlace,
  node: Omit<NodeRecord, 'holder'>,
  signal?: AbortSignal,
): Promise<ProcessIdentity> {
  mkdirSync(join(node.dir, 'state'), { recursive: true });
  await addNamespace(node.namespace);
  await plugIn(place, node.name, node.namespace, node.address);
  const resolvConf = join(node.dir, 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\n');
  const logFile = join(place.logDir, `${node.name}.machine.log`);
  const holder = await startProcess({
    name: `${node.name}'s machine`,
    argv: [
      ...enterNamespace(node.namespace),
      ...['unshare', '-u', '-m', 'bash', '-c', becomeNode, 'machine', node.name, resolvConf],
    ],
    env: {},
    logFile,
    cgroup: `${nodeCgroup(place, node.name)}/host`,
  });
  await until(
    `${node.name}'s mounts`,
    () => {
      if (!isAlive(holder)) throw new StartFailed(`${node.name}'s machine`, logFile, logTail(logFile, 10));
      return existsSync(`/proc/${holder.pid}/root/run/fairway-node`) || 'not there yet';
    },
    { limitMs: 10_000, everyMs: 5, signal },
  );
  return holder;
}

/** How dockerd is started on a node. */
export function dockerd(place: ClusterPlace, node: NodeRecord): ProcessRecord {
  return {
    name: dockerdName(node.name),
    argv: [
      ...enterNode(node),
      'dockerd',
      ...['--data-root', join(node.dir, 'docker'), '--exec-root', execRoot, '-p', '/run/docker.pid'],
      ...['-H', 'unix:///run/docker.sock', '-H', `unix://${node.socket}`],
      // cgroupfs: with systemd's driver the containers would go into the real machine's slices, past the cluster's.
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs'],
      ...['--cgroup-parent', `/${nodeCgroup(place, node.name)}/containers`],
    ],
    env: {},
    logFile: join(place.logDir, `${dockerdName(node.name)}.log`),
    cgroup: `${nodeCgroup(place, node.name)}/host`,
  };
}

export function dockerdName(node: string): string {
  return `${node}.dockerd`;
}

/** Waits until dockerd answers; throws StartFailed with the end of its log when it ended instead. */
export async function dockerdReady(record: ProcessRecord, socket: string, signal?: AbortSignal): Promise<Engine> {
  const engine = new Engine(socket, signal);
  let ended: StartFailed | undefined;
  await until(
    `${record.name} to answer`,
    async () => {
      if (record.last && !isAlive(record.last)) {
        ended = new StartFailed(record.name, record.logFile, logTail(record.logFile, 15));
        return true;
      }
      await engine.get('/_ping');
      return true;
    },
    { limitMs: 60_000, everyMs: 25, signal },
  );
  if (ended) throw ended;
  return engine;
}
