import { type Address, parseAddress } from '@fairway/mesh';
import {
  type ContainerEvent,
  type Docker,
  type DockerEvent,
  type DockerEvents,
  type DockerInfo,
  DockerMalformed,
  DockerRefused,
  DockerUnavailable,
  type Listed,
  type Malformed,
  type TaskChange,
  type TaskChanges,
} from './docker.ts';
import type { EngineContainer, EngineNetwork, EngineNode, EngineService, EngineTask } from './engine-schema.ts';

/** Something that the stand-in holds: an object, or one that does not fit its schema. */
type Held<T> = Map<string, T | 'malformed'>;

/** What the managers of a swarm hold in common. */
export type SwarmObjects = {
  readonly services: Held<EngineService>;
  readonly tasks: Held<EngineTask>;
  readonly nodes: Held<EngineNode>;
  readonly networks: Held<EngineNetwork>;
};

export function noObjects(): SwarmObjects {
  return { services: new Map(), tasks: new Map(), nodes: new Map(), networks: new Map() };
}

/**
 * The stand-in for a node's Docker: the same interface, and everything that it answers is in maps that a test changes.
 * Nothing happens in it by itself; `memory-swarm.ts` has what a swarm would do.
 */
export class MemoryDocker implements Docker {
  readonly services: SwarmObjects['services'];
  readonly tasks: SwarmObjects['tasks'];
  readonly nodes: SwarmObjects['nodes'];
  readonly networks: SwarmObjects['networks'];
  readonly containers: Held<EngineContainer> = new Map();
  gateway: Address | undefined = parseAddress('172.18.0.2');
  address: Address | undefined = parseAddress('10.0.0.2');
  /** Ids of objects that it answers in a shape which does not fit, whatever it holds of them. */
  readonly garbled = new Set<string>();
  /** What was asked, in order: `listTasks web`. */
  readonly asked: string[] = [];
  /** Called before each answer; a test holds an answer back by not settling, or fails it by throwing. */
  beforeAnswer: (operation: string) => Promise<void> = async () => {};
  #info: DockerInfo;
  #running = true;
  #starts = 1;
  readonly #streams = new Set<Queue<DockerEvent>>();
  readonly #taskChanges = new Set<Queue<TaskChange | 'watching'>>();
  readonly #listeners: ((malformed: Malformed) => void)[] = [];

  /** `swarm` is shared by the nodes of one swarm. */
  constructor(
    info: DockerInfo = { node: 'node1', swarm: 'swarm1', manager: true, state: 'active', version: '20.10.24' },
    swarm: SwarmObjects = noObjects(),
  ) {
    this.#info = info;
    this.services = swarm.services;
    this.tasks = swarm.tasks;
    this.nodes = swarm.nodes;
    this.networks = swarm.networks;
  }

  setInfo(info: Partial<DockerInfo>): void {
    this.#info = { ...this.#info, ...info };
  }

  emit(event: DockerEvent): void {
    if (this.#running) for (const stream of this.#streams) stream.push(event);
  }

  emitContainer(id: string, action: ContainerEvent['action'], signal?: number): void {
    const held = this.containers.get(id);
    if (!held || held === 'malformed') return;
    const task = held.Config.Labels['com.docker.swarm.task.id'];
    const service = held.Config.Labels['com.docker.swarm.service.id'];
    this.emit({ kind: 'container', action, id, task, service, ...(signal ? { signal } : {}) });
  }

  /** The daemon ends: streams break, and nothing answers until it is started. */
  stopDaemon(): void {
    this.#running = false;
    for (const stream of this.#streams) stream.fail(new DockerUnavailable('events'));
    this.#streams.clear();
    this.breakTaskChanges();
  }

  startDaemon(): void {
    this.#running = true;
    this.#starts += 1;
  }

  async ping(): Promise<void> {
    await this.#answer('ping');
  }

  async info(): Promise<DockerInfo> {
    await this.#answer('info');
    return this.#info;
  }

  async daemon(): Promise<string | undefined> {
    await this.#answer('daemon');
    return `daemon${this.#starts}`;
  }

  async ingressGateway(): Promise<Address | undefined> {
    await this.#answer('ingressGateway');
    return this.gateway;
  }

  async ingressAddress(): Promise<Address | undefined> {
    await this.#answer('ingressAddress');
    return this.address;
  }

  async events(): Promise<DockerEvents> {
    await this.#answer('events');
    const stream = new Queue<DockerEvent>();
    this.#streams.add(stream);
    return stream;
  }

  async taskChanges(): Promise<TaskChanges> {
    if (!this.#running) throw new DockerUnavailable('watch tasks');
    const queue = new Queue<TaskChange | 'watching'>();
    queue.push('watching');
    this.#taskChanges.add(queue);
    return queue;
  }

  /** Swarm decided something of a task. */
  decideTask(change: TaskChange): void {
    for (const queue of this.#taskChanges) queue.push(change);
  }

  /** What is watched of tasks breaks off. */
  breakTaskChanges(): void {
    for (const queue of this.#taskChanges) queue.fail(new DockerUnavailable('watch tasks'));
    this.#taskChanges.clear();
  }

  async listContainers() {
    const { fit, aside } = await this.#list('container', 'listContainers', this.containers);
    return { fit: fit.map(({ Id, State, Config }) => ({ Id, Labels: Config.Labels, State: State.Status })), aside };
  }

  inspectContainer(id: string) {
    return this.#inspect('container', id, this.containers);
  }

  listServices() {
    return this.#listSwarm('service', 'listServices', this.services);
  }

  inspectService(id: string) {
    return this.#inspectSwarm('service', id, this.services);
  }

  async listTasks(service?: string) {
    const { fit, aside } = await this.#listSwarm('task', `listTasks ${service ?? ''}`.trim(), this.tasks);
    return { fit: fit.filter((task) => service === undefined || task.ServiceID === service), aside };
  }

  inspectTask(id: string) {
    return this.#inspectSwarm('task', id, this.tasks);
  }

  listNodes() {
    return this.#listSwarm('node', 'listNodes', this.nodes);
  }

  inspectNode(id: string) {
    return this.#inspectSwarm('node', id, this.nodes);
  }

  listNetworks() {
    return this.#list('network', 'listNetworks', this.networks);
  }

  inspectNetwork(id: string) {
    return this.#inspect('network', id, this.networks);
  }

  onMalformed(listener: (malformed: Malformed) => void): void {
    this.#listeners.push(listener);
  }

  async #answer(operation: string): Promise<void> {
    this.asked.push(operation);
    await this.beforeAnswer(operation);
    if (!this.#running) throw new DockerUnavailable(operation);
  }

  #putAside(kind: string, id: string): DockerMalformed {
    const malformed = { name: `${kind} ${id}`, reason: 'does not fit', text: '{}' };
    for (const tell of this.#listeners) tell(malformed);
    return new DockerMalformed(malformed);
  }

  async #list<T>(kind: string, operation: string, held: Held<T>): Promise<Listed<T>> {
    // What is answered is what was there when it was asked: an answer that is held back is an old one. Objects are replaced
    // and never changed.
    const then = [...held];
    await this.#answer(operation);
    const fits = ([id, object]: [string, T | 'malformed']) => object !== 'malformed' && !this.garbled.has(id);
    const aside = then.filter((one) => !fits(one)).map(([id]) => id);
    for (const id of aside) this.#putAside(kind, id);
    return { fit: then.filter(fits).map(([, object]) => object as T), aside };
  }

  async #inspect<T>(kind: string, id: string, held: Held<T>): Promise<T | undefined> {
    const then = held.get(id);
    await this.#answer(`inspect ${kind} ${id}`);
    if (then === 'malformed' || (then && this.garbled.has(id))) throw this.#putAside(kind, id);
    return then as T | undefined;
  }

  async #listSwarm<T>(kind: string, operation: string, held: Held<T>): Promise<Listed<T>> {
    this.#refuseUnlessManager(operation);
    return this.#list(kind, operation, held);
  }

  async #inspectSwarm<T>(kind: string, id: string, held: Held<T>): Promise<T | undefined> {
    this.#refuseUnlessManager(`inspect ${kind}`);
    return this.#inspect(kind, id, held);
  }

  #refuseUnlessManager(operation: string): void {
    if (!this.#info.manager) throw new DockerRefused(operation, 503);
  }
}

/** Events that wait to be read, until they are stopped or the daemon is lost. */
class Queue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #end: { error?: Error } | undefined;
  #wake: () => void = () => {};

  push(event: T): void {
    if (this.#end) return;
    this.#waiting.push(event);
    this.#wake();
  }

  fail(error: Error): void {
    this.#end ??= { error };
    this.#wake();
  }

  stop(): void {
    this.#end = {};
    this.#waiting.length = 0;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      for (let event = this.#waiting.shift(); event; event = this.#waiting.shift()) yield event;
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
