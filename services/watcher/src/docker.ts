import type { Address } from '@fairway/mesh';
import type {
  EngineContainer,
  EngineContainerSummary,
  EngineNetwork,
  EngineNode,
  EngineService,
  EngineTask,
} from './engine-schema.ts';

/** What a node's Docker says of itself and its swarm (`GET /info`). */
export type DockerInfo = {
  /** Of dockerd, `20.10.24`. */
  readonly version?: string;
  /** The node's id in its swarm; absent while it is in none. */
  readonly node?: string;
  readonly swarm?: string;
  /** Whether this node is a manager that can be asked about the whole swarm (`ControlAvailable`). */
  readonly manager: boolean;
  /** `LocalNodeState`: `active` for a node that takes part. */
  readonly state: string;
};

/** Something that happened to the container of a task. */
export type ContainerEvent = {
  readonly kind: 'container';
  readonly action: 'create' | 'start' | 'healthy' | 'unhealthy' | 'kill' | 'die' | 'destroy';
  readonly id: string;
  readonly task: string;
  readonly service: string;
  /** The signal that was sent, for `kill`. */
  readonly signal?: number;
};

/**
 * Something that happened to an object of the swarm; there are no events for tasks. `scope` is `swarm` where a manager
 * speaks of the swarm's object, `local` where a node speaks of its own part in it.
 */
export type SwarmEvent = {
  readonly kind: 'service' | 'node' | 'network';
  readonly action: string;
  readonly id: string;
  readonly scope: 'swarm' | 'local';
};

export type DockerEvent = ContainerEvent | SwarmEvent | { readonly kind: 'daemon'; readonly action: string };

/**
 * Docker's events from when the stream was opened. Iterating ends when it is stopped, and throws `DockerUnavailable`
 * when the daemon is lost. A daemon that only hangs is not noticed: ping it.
 */
export type DockerEvents = AsyncIterable<DockerEvent> & { stop(): void };

/** Swarm decided something of a task: that it is to run somewhere, that it is to stop, or that it is forgotten. */
export type TaskChange = { readonly task: string; readonly service: string };

/**
 * `watching` once the changes from then on are heard, and each of them; ends and throws as Docker's events do, also where it
 * cannot be opened.
 */
export type TaskChanges = AsyncIterable<TaskChange | 'watching'> & { stop(): void };

/** An object that did not fit its schema and was put aside. */
export type Malformed = {
  /** What it was: `task 4x0…`. */
  readonly name: string;
  readonly reason: string;
  /** The start of what Docker answered. */
  readonly text: string;
};

/** What a list answered. */
export type Listed<T> = {
  readonly fit: readonly T[];
  /** Ids of what it left out, as far as they could be read: without these it is not the whole. */
  readonly aside: readonly string[];
};

/**
 * What Fairway asks of a Docker Engine: reading only. Objects are those of the Engine API, cut down to what is used.
 *
 * Every method throws `DockerUnavailable` when the daemon cannot be reached and `DockerRefused` when it answers with
 * an error. Lists put aside what does not fit its schema; an inspect of such an object throws `DockerMalformed`; both
 * tell `onMalformed`, once for each object as long as it stays the same. An inspect answers undefined where Docker answers 404.
 */
export interface Docker {
  ping(): Promise<void>;
  info(): Promise<DockerInfo>;
  /** An id that is another one after each start of dockerd; undefined while Docker shows nothing to tell it by. */
  daemon(): Promise<string | undefined>;
  /** The ingress sandbox's address on docker_gwbridge; undefined while the node has none. */
  ingressGateway(): Promise<Address | undefined>;
  /** Its own address on the ingress network; undefined while the node has none. */
  ingressAddress(): Promise<Address | undefined>;
  events(): Promise<DockerEvents>;
  /** What Swarm decides of all tasks, on a manager. */
  taskChanges(): Promise<TaskChanges>;
  /** Containers of tasks on this node, in whatever state. */
  listContainers(): Promise<Listed<EngineContainerSummary>>;
  inspectContainer(id: string): Promise<EngineContainer | undefined>;
  listServices(): Promise<Listed<EngineService>>;
  inspectService(id: string): Promise<EngineService | undefined>;
  /** Tasks of one service, or of all. */
  listTasks(service?: string): Promise<Listed<EngineTask>>;
  inspectTask(id: string): Promise<EngineTask | undefined>;
  listNodes(): Promise<Listed<EngineNode>>;
  inspectNode(id: string): Promise<EngineNode | undefined>;
  /** The swarm's overlay networks. */
  listNetworks(): Promise<Listed<EngineNetwork>>;
  inspectNetwork(id: string): Promise<EngineNetwork | undefined>;
  onMalformed(listener: (malformed: Malformed) => void): void;
}

/** The daemon did not answer, or not in time. Wait and ask again. */
export class DockerUnavailable extends Error {
  readonly operation: string;
  constructor(operation: string, options?: ErrorOptions) {
    super(`DockerUnavailable: ${operation}`, options);
    this.operation = operation;
  }
}

/** The daemon answered with an error: 503 on a node that is no manager, 500 while the swarm has no leader. */
export class DockerRefused extends Error {
  readonly operation: string;
  readonly status: number;
  constructor(operation: string, status: number, options?: ErrorOptions) {
    super(`DockerRefused: ${operation}: HTTP ${status}`, options);
    this.operation = operation;
    this.status = status;
  }
}

/** The daemon's answer does not fit what the Engine API promises. */
export class DockerMalformed extends Error {
  readonly malformed: Malformed;
  constructor(malformed: Malformed, options?: ErrorOptions) {
    super(`DockerMalformed: ${malformed.name}: ${malformed.reason}`, options);
    this.malformed = malformed;
  }
}
