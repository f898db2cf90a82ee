import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';
import type { ClusterPlace } from './place.ts';
import type { ProcessRecord } from './process.ts';

/** One machine of the swarm: a network namespace, and a mount and a UTS namespace held by `holder`. */
export interface NodeRecord {
  name: string;
  address: string;
  role: 'manager' | 'worker';
  /** Name of its network namespace, a file in /run/netns. */
  namespace: string;
  /** Docker's API, from anywhere on the machine. */
  socket: string;
  /** Folder of the sandboxes' namespaces, to be seen only in this node's mount namespace. */
  netnsDir: string;
  /** Folder of the node's data. */
  dir: string;
  /** `nsenter -t PID -m -u --net=...` enters the node through this process, which does nothing else. */
  holder: ProcessIdentity;
  /** The swarm's id of the node; empty until it has joined. */
  swarmNodeId: string;
}

/** How clients reach the bus, the names of its servers' processes, and the program that these run. */
interface BusState {
  urls: string[];
  parts: string[];
  program: string;
}

/** What a cluster consists of, for whoever attaches to it, and for the run that must remove it. */
export interface ClusterState {
  name: string;
  owner: ProcessIdentity;
  fairway: boolean;
  bus: BusState;
  /** Names of the consoles' processes. */
  consoles: readonly string[];
  nodes: NodeRecord[];
  processes: Record<string, ProcessRecord>;
}

/** Another process that still runs has the cluster of this name. */
export class ClusterRunning extends Error {
  readonly cluster: string;
  readonly pid: number;

  constructor(cluster: string, pid: number) {
    super(
      `A cluster "${cluster}" is running already, kept by process ${pid}. Use that one, or end it first: kill ${pid}`,
    );
    this.name = 'ClusterRunning';
    this.cluster = cluster;
    this.pid = pid;
  }
}

/** No cluster of this name is there to attach to. */
export class ClusterAbsent extends Error {
  constructor(cluster: string, stateFile: string, cause: unknown) {
    super(`No cluster "${cluster}" is running: ${stateFile} cannot be read. Start one first`, { cause });
    this.name = 'ClusterAbsent';
  }
}

export function readState(place: ClusterPlace): ClusterState {
  try {
    return JSON.parse(readFileSync(place.stateFile, 'utf8')) as ClusterState;
  } catch (cause) {
    throw new ClusterAbsent(place.name, place.stateFile, cause);
  }
}

function writeState(dir: string, state: ClusterState): void {
  const file = join(dir, 'cluster.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Reads, changes and writes the state in one synchronous piece, so that parallel steps lose nothing of each other. */
export function updateState(place: ClusterPlace, change: (state: ClusterState) => void): void {
  const state = readState(place);
  change(state);
  writeState(place.runDir, state);
}

/** The live owner of a cluster, or undefined when nothing is there or a killed run left it. */
export function ownerOf(place: ClusterPlace): ProcessIdentity | undefined {
  if (!existsSync(place.stateFile)) return undefined;
  try {
    const { owner } = readState(place);
    return isAlive(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the name of a cluster for this process. The folder is renamed into place with its contents, so that it never
 * exists without an owner, and of two runs at the same moment one gets it. Throws ClusterRunning.
 */
export function claim(place: ClusterPlace, fairway: boolean): void {
  const owner = identify(process.pid);
  if (!owner) throw new Error('this process is not in /proc: mount it');
  const draft = `${place.runDir}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  writeState(draft, {
    name: place.name,
    owner,
    fairway,
    bus: { urls: [], parts: [], program: '' },
    consoles: [],
    nodes: [],
    processes: {},
  });
  try {
    renameSync(draft, place.runDir);
  } catch (cause) {
    rmSync(draft, { recursive: true });
    const other = ownerOf(place);
    if (other) throw new ClusterRunning(place.name, other.pid);
    throw cause;
  }
}
