import { Engine } from './engine.ts';
import { loadImage } from './image.ts';
import { addMachine, dockerd, dockerdReady, nodeRecord } from './node.ts';
import type { ClusterPlace } from './place.ts';
import { type ProcessRecord, startProcess } from './process.ts';
import { type NodeRecord, updateState } from './state.ts';
import { joinSwarm, nodeReady } from './swarm.ts';

/** Starts a part and writes it down, so that anyone attached can end it and start it again; flags are for this time alone. */
export async function startPart(
  place: ClusterPlace,
  record: ProcessRecord,
  flags: readonly string[] = [],
): Promise<ProcessRecord> {
  const started = { ...record, last: await startProcess({ ...record, argv: [...record.argv, ...flags] }) };
  updateState(place, (state) => {
    state.processes[record.name] = started;
  });
  return started;
}

/** A machine with dockerd and the image on it, in no swarm yet. */
export async function startNode(
  place: ClusterPlace,
  number: number,
  role: NodeRecord['role'],
  signal?: AbortSignal,
): Promise<NodeRecord> {
  const machine = nodeRecord(place, number, role);
  const node: NodeRecord = { ...machine, holder: await addMachine(place, machine, signal) };
  updateState(place, (state) => {
    state.nodes = [...state.nodes, node].sort((one, other) =>
      one.address.localeCompare(other.address, 'en', { numeric: true }),
    );
  });
  const started = await startPart(place, dockerd(place, node));
  await loadImage(place, await dockerdReady(started, node.socket, signal));
  return node;
}

/** Writes down under which id the swarm knows a node. */
export function recordSwarmNode(place: ClusterPlace, name: string, swarmNodeId: string): void {
  updateState(place, (state) => {
    for (const node of state.nodes) if (node.name === name) node.swarmNodeId = swarmNodeId;
  });
}

/** Joins a node as a worker and waits until the manager calls it ready. */
export async function joinNode(
  place: ClusterPlace,
  node: NodeRecord,
  manager: Pick<NodeRecord, 'address' | 'socket'>,
  token: string,
  signal?: AbortSignal,
): Promise<void> {
  const id = await joinSwarm(new Engine(node.socket, signal), node, manager.address, token);
  recordSwarmNode(place, node.name, id);
  await nodeReady(new Engine(manager.socket, signal), id, signal);
}
