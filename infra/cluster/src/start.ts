import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { weighContainers } from './cgroup.ts';
import { Cluster } from './cluster.ts';
import { Engine } from './engine.ts';
import { consoleService, decider, nodeService, sentinel } from './fairway.ts';
import { enableForwarding } from './forwarding.ts';
import { makeImage } from './image.ts';
import {
  type BusForm,
  busForm,
  busReady,
  busRecords,
  clusterCredentials,
  makeCredentials,
  replicaNames,
} from './nats.ts';
import { joinNode, recordSwarmNode, startNode, startPart } from './part.ts';
import { type ClusterPlace, placeOf } from './place.ts';
import { toolsDir } from './project.ts';
import { claim, type NodeRecord, readState, updateState } from './state.ts';
import { initSwarm, nodeReady, workerToken } from './swarm.ts';
import { addSwitch, NodeCountInvalid, nodesMax } from './switch.ts';
import { recoverCluster, removeCluster } from './teardown.ts';
import { ensureToolchain, type Toolchain } from './toolchain.ts';

export interface StartOptions {
  /** Up to 12 lower case letters and digits; clusters of different names live beside each other. */
  name: string;
  /** Number of nodes, the first of which is the manager. */
  nodes: number;
  /** Whether Fairway's own processes are started, or the swarm is left as Docker makes it. */
  fairway: boolean;
  /** How many servers the bus has, see busForm. */
  bus?: BusForm | undefined;
  /** Is told each step when it is done. */
  report?: (line: string) => void;
  /** Aborts the start, which then removes what it made so far and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Starts a cluster: installs what is missing, removes what a killed run of the same name left, and returns when the
 * manager calls every node ready and Fairway's processes are started. When a step fails, everything is removed again
 * but the logs (see keepLogs), and the step's error is thrown. Throws ClusterRunning when the name is in use.
 */
export async function startCluster(options: StartOptions): Promise<Cluster> {
  const { name, signal, report = () => {} } = options;
  if (!Number.isInteger(options.nodes) || options.nodes < 1 || options.nodes > nodesMax) {
    throw new NodeCountInvalid(options.nodes);
  }
  const place = placeOf(name);
  const tools = await ensureToolchain(report);
  signal?.throwIfAborted();
  if (await recoverCluster(name)) report('removed what an earlier run left behind');
  claim(place, options.fairway);
  try {
    await build(place, tools, options, report);
  } catch (error) {
    if (!signal?.aborted) report(`the start failed; logs are in ${keepLogs(name)}`);
    await removeCluster(place);
    throw error;
  }
  return new Cluster(name);
}

/** Attaches to a cluster that another process started. Throws ClusterAbsent. */
export function attachCluster(name: string): Cluster {
  readState(placeOf(name));
  return new Cluster(name);
}

/** Copies the logs to where the cluster's end does not take them, in place of those kept before. Returns the folder. */
export function keepLogs(name: string): string {
  const kept = join(toolsDir, 'log', name);
  rmSync(kept, { recursive: true, force: true });
  const { logDir } = placeOf(name);
  if (existsSync(logDir)) cpSync(logDir, kept, { recursive: true });
  return kept;
}

async function build(
  place: ClusterPlace,
  tools: Toolchain,
  { nodes: count, fairway, bus: asked, signal }: StartOptions,
  report: (line: string) => void,
): Promise<void> {
  mkdirSync(place.logDir, { recursive: true });
  enableForwarding();
  weighContainers(place.cgroup);
  await addSwitch(place);
  await makeImage(place, tools);
  signal?.throwIfAborted();

  const machines = Array.from({ length: count }, (_, index) => async (either: AbortSignal) => {
    const node = await startNode(place, index + 1, index === 0 ? 'manager' : 'worker', either);
    report(`${node.name} is up: dockerd at ${node.address}`);
    return [node];
  });
  const nodes = (await together<NodeRecord[]>(machines, signal)).flat();
  const form = busForm(asked, count);
  const bus = async (either: AbortSignal) => {
    await makeCredentials(place, tools.natsServer, nodes, form);
    for (const record of busRecords(place, nodes, form)) await startPart(place, record);
    await busReady(place, nodes, form, either);
    report(`NATS with JetStream is up, on ${form === 'single' ? 'one server' : 'three servers'}`);
  };
  const swarm = async (either: AbortSignal) => {
    await makeSwarm(place, nodes, either);
    report(`a swarm of ${count} node${count === 1 ? '' : 's'} is ready`);
  };
  await together([bus, swarm], signal);
  if (fairway) {
    const deciders = replicaNames('decider', form);
    const consoles = replicaNames('console', form);
    const sentinels = replicaNames('sentinel', form);
    await startFairway(place, deciders, sentinels, consoles);
    report(`${[...deciders, ...sentinels, ...consoles].join(', ')} and node processes are started`);
  }
}

/**
 * Does several things at once. When one fails, the others are aborted, and their ends waited for all the same: what
 * still goes on in the background could not be removed.
 */
async function together<Result>(
  work: ((signal: AbortSignal) => Promise<Result>)[],
  signal?: AbortSignal,
): Promise<Result[]> {
  const failure = new AbortController();
  const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  const results = await Promise.allSettled(
    work.map((one) =>
      one(either).catch((error: unknown) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
  // First: what was under way then failed because of it.
  signal?.throwIfAborted();
  if (failure.signal.aborted) throw failure.signal.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function makeSwarm(place: ClusterPlace, nodes: NodeRecord[], signal?: AbortSignal): Promise<void> {
  const [manager, ...workers] = nodes;
  if (!manager) return;
  const engine = new Engine(manager.socket, signal);
  const id = await initSwarm(engine, manager.address);
  recordSwarmNode(place, manager.name, id);
  const token = await workerToken(engine);
  await together(
    [
      (either) => nodeReady(engine, id, either),
      ...workers.map((node) => (either: AbortSignal) => joinNode(place, node, manager, token, either)),
    ],
    signal,
  );
}

async function startFairway(
  place: ClusterPlace,
  deciders: readonly string[],
  sentinels: readonly string[],
  consoles: readonly string[],
): Promise<void> {
  for (const name of deciders) await startPart(place, decider(place, name));
  for (const name of sentinels) await startPart(place, sentinel(place, name));
  updateState(place, (state) => {
    state.consoles = consoles;
  });
  for (const name of consoles) await startPart(place, consoleService(place, name));
  const folder = await clusterCredentials(place);
  for (const node of readState(place).nodes) {
    await folder.add({ name: node.swarmNodeId, role: node.role === 'manager' ? 'manager' : 'node' });
    await startPart(place, nodeService(place, node));
  }
}
