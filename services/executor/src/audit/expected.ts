import {
  addressOn,
  type Mesh,
  type Network,
  type PublishedPort,
  type Service,
  sandboxOf,
  showPort,
  stateHere,
  type WatchedFacts,
} from '@fairway/mesh';
import type { PortName } from './dockers-mesh.ts';

/** A task that has not ended, on one network. */
type ExpectedTask = {
  readonly task: string;
  readonly service: string;
  readonly node: string;
  /** Docker balances to it: from when it runs, and is healthy where it has a health check, until it is to stop. */
  readonly isDue: boolean;
};

/** A service that Docker balances on a network. */
export type ExpectedService = {
  readonly name: string;
  readonly vip: string;
  /** What it publishes; none but on the ingress network. */
  readonly ports: readonly PortName[];
  /** By address, its own tasks that Docker may send to. */
  readonly tasks: ReadonlyMap<string, ExpectedTask>;
  /** Swarm is amid an update of it: tasks as they were before have the ports and networks of before. */
  readonly isUpdating: boolean;
};

/** What Docker's own mesh is to have in one sandbox of a node. */
export type ExpectedSandbox = {
  /** As its file in Docker's `netns/` is called. */
  readonly file: string;
  readonly network: Network;
  readonly services: readonly ExpectedService[];
  /** By address, all that have not ended, of services with and without a virtual IP. */
  readonly tasks: ReadonlyMap<string, ExpectedTask>;
};

/** The networks that the node is to have a sandbox for, and has none: ingress, and those that its own tasks are on. */
export function withoutSandbox(mesh: Mesh, own: WatchedFacts, files: ReadonlySet<string>): readonly Network[] {
  const isOn = ({ id }: Network) =>
    [...mesh.services.values()].some(({ endpoints, removedMs }) =>
      endpoints.some(
        (endpoint) =>
          removedMs === undefined &&
          endpoint.node === own.node &&
          stateHere(endpoint, mesh, own) === 'serving' &&
          addressOn(endpoint, id) !== undefined,
      ),
    );
  return [...mesh.networks.values()].filter(
    (network) =>
      network.removedMs === undefined && !files.has(sandboxOf(network)) && (network.ingress || isOn(network)),
  );
}

/**
 * What Docker's own mesh is to have on a node, by what the managers and the nodes say: each of its sandboxes has all services
 * of its network, whether they have a task on the node or not.
 * @param files the sandboxes that the node has, by their files
 */
export function expectedOf(mesh: Mesh, own: WatchedFacts, files: ReadonlySet<string>): readonly ExpectedSandbox[] {
  const networks = [...mesh.networks.values()].filter(
    (network) => network.removedMs === undefined && files.has(sandboxOf(network)),
  );
  const services = [...mesh.services.values()].filter(({ removedMs }) => removedMs === undefined);
  return networks.map((network) => {
    const expected = services.map((service) => expectedService(network, service, tasksOn(network, service, mesh, own)));
    return {
      file: sandboxOf(network),
      network,
      services: expected.flatMap(({ balanced }) => balanced ?? []),
      tasks: together(expected.map(({ tasks }) => tasks)),
    };
  });
}

/** What a network has of a service; not balanced where the service has no virtual IP on it. */
function expectedService(
  { id, ingress }: Network,
  { spec: { name, mode, vips, ports, update } }: Service,
  tasks: ReadonlyMap<string, ExpectedTask>,
): { readonly tasks: ReadonlyMap<string, ExpectedTask>; readonly balanced?: ExpectedService } {
  const vip = mode === 'vip' ? vips.find(({ network }) => network === id)?.address : undefined;
  if (vip?.family !== 'ip') return { tasks };
  return {
    tasks,
    balanced: {
      ...{ name, vip: vip.text, tasks, isUpdating: update !== undefined && update !== 'rollback_completed' },
      ports: ingress ? ports.flatMap((port) => [...namesOf(port)]) : [],
    },
  };
}

function* namesOf({ protocol, first, last }: PublishedPort): Iterable<PortName> {
  for (let port = first; port <= last; port += 1) yield showPort({ protocol, first: port, last: port });
}

function tasksOn(
  { id }: Network,
  { spec, endpoints }: Service,
  mesh: Mesh,
  own: WatchedFacts,
): ReadonlyMap<string, ExpectedTask> {
  const tasks: (readonly [string, ExpectedTask])[] = [];
  for (const endpoint of endpoints) {
    const state = stateHere(endpoint, mesh, own);
    const address = addressOn(endpoint, id);
    if (state === 'gone' || address?.family !== 'ip') continue;
    const { task, node } = endpoint;
    tasks.push([address.text, { task, node, service: spec.name, isDue: state === 'serving' }]);
  }
  return together([tasks]);
}

/** Of several that claim an address the one that serves has it. */
function together(all: readonly Iterable<readonly [string, ExpectedTask]>[]): ReadonlyMap<string, ExpectedTask> {
  const tasks = new Map<string, ExpectedTask>();
  for (const some of all) for (const [address, task] of some) if (!tasks.get(address)?.isDue) tasks.set(address, task);
  return tasks;
}

/** Whether Docker has it: some task of it serves. */
export function isDue({ tasks }: ExpectedService): boolean {
  return [...tasks.values()].some((task) => task.isDue);
}
