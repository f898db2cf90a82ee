import { parseAddress } from '@fairway/mesh';
import type { EngineService, EngineTask } from './engine-schema.ts';
import { MemoryDocker } from './memory-docker.ts';

type ServiceWish = { readonly name: string; readonly replicas: number; readonly published: number };

/** A swarm of one node on a `MemoryDocker`: it does what a swarm does for a wish, at once and with the same events. */
export class MemorySwarm {
  readonly docker: MemoryDocker;
  readonly node: string;
  #index = 10;
  #ids = 0;

  constructor(docker: MemoryDocker = new MemoryDocker(), node = 'node1') {
    this.docker = docker;
    this.node = node;
    docker.nodes.set(node, {
      ID: node,
      Version: { Index: this.#next() },
      Spec: { Labels: {}, Role: 'manager', Availability: 'active' },
      Description: { Hostname: 'one' },
      Status: { State: 'ready' },
    });
    docker.networks.set('ingress0', {
      Id: 'ingress0',
      Name: 'ingress',
      Driver: 'overlay',
      Scope: 'swarm',
      Ingress: true,
      Attachable: false,
      Internal: false,
      Options: {},
    });
  }

  /** The id of the new service. */
  createService({ name, replicas, published }: ServiceWish): string {
    const id = `service${++this.#ids}`;
    const address = parseAddress('10.0.0.100');
    this.docker.services.set(id, {
      ID: id,
      Version: { Index: this.#next() },
      Spec: { Name: name, Labels: {}, Mode: { Replicated: { Replicas: replicas } }, EndpointSpec: { Mode: 'vip' } },
      Endpoint: {
        Spec: { Mode: 'vip' },
        Ports: [{ Protocol: 'tcp', TargetPort: 80, PublishedPort: published, PublishMode: 'ingress' }],
        VirtualIPs: [{ NetworkID: 'ingress0', Addr: address }],
      },
    });
    this.docker.emit({ kind: 'service', action: 'create', id, scope: 'swarm' });
    this.#reconcile(id);
    return id;
  }

  scaleService(id: string, replicas: number): void {
    const service = this.service(id);
    this.docker.services.set(id, {
      ...service,
      Version: { Index: this.#next() },
      Spec: { ...service.Spec, Mode: { Replicated: { Replicas: replicas } } },
    });
    this.docker.emit({ kind: 'service', action: 'update', id, scope: 'swarm' });
    this.#reconcile(id);
  }

  removeService(id: string): void {
    for (const task of this.tasksOf(id)) {
      this.endContainer(this.containerOf(task.ID));
      this.docker.tasks.delete(task.ID);
    }
    this.docker.services.delete(id);
    this.docker.emit({ kind: 'service', action: 'remove', id, scope: 'swarm' });
  }

  /** A container ends, and Swarm puts another task in the place of its own. */
  killContainer(id: string): void {
    this.endContainer(id, 9);
    const task = this.tasksOf().find((one) => this.containerOf(one.ID) === id);
    if (!task) return;
    this.setTask(task.ID, { DesiredState: 'shutdown', Status: { State: 'failed' } });
    this.#reconcile(task.ServiceID);
  }

  endContainer(id: string, signal = 15): void {
    const held = this.docker.containers.get(id);
    if (!held || held === 'malformed') return;
    this.docker.emitContainer(id, 'kill', signal);
    this.docker.containers.set(id, { ...held, State: { Status: 'exited' } });
    this.docker.emitContainer(id, 'die');
  }

  service(id: string): EngineService {
    const held = this.docker.services.get(id);
    if (!held || held === 'malformed') throw new Error(`no service ${id}`);
    return held;
  }

  /** Tasks as Docker lists them, ended ones included. */
  tasksOf(service?: string): EngineTask[] {
    return [...this.docker.tasks.values()]
      .filter((task) => task !== 'malformed')
      .filter((task) => service === undefined || task.ServiceID === service);
  }

  containerOf(task: string): string {
    return `container-${task}`;
  }

  setTask(id: string, change: Partial<EngineTask>): void {
    const held = this.docker.tasks.get(id);
    if (held && held !== 'malformed') {
      this.docker.tasks.set(id, { ...held, ...change, Version: { Index: this.#next() } });
    }
  }

  #reconcile(service: string): void {
    const mode = this.service(service).Spec.Mode.Replicated;
    const alive = this.tasksOf(service).filter((task) => task.DesiredState === 'running');
    for (let n = alive.length; n < (mode?.Replicas ?? 1); n++) this.#startTask(service);
    for (const task of alive.slice(mode?.Replicas ?? 1)) {
      this.docker.decideTask({ task: task.ID, service });
      this.endContainer(this.containerOf(task.ID));
      this.setTask(task.ID, { DesiredState: 'remove', Status: { State: 'shutdown' } });
    }
  }

  #startTask(service: string): void {
    const id = `task${++this.#ids}`;
    const container = this.containerOf(id);
    this.docker.tasks.set(id, {
      ID: id,
      Version: { Index: this.#next() },
      ServiceID: service,
      NodeID: this.node,
      DesiredState: 'running',
      Status: { State: 'running' },
      NetworksAttachments: [{ Network: { ID: 'ingress0' }, Addresses: [parseAddress(`10.0.0.${this.#ids}`)] }],
    });
    const labels = {
      'com.docker.swarm.task.id': id,
      'com.docker.swarm.service.id': service,
      'com.docker.swarm.node.id': this.node,
    };
    this.docker.containers.set(container, { Id: container, State: { Status: 'created' }, Config: { Labels: labels } });
    this.docker.emitContainer(container, 'create');
    this.docker.containers.set(container, { Id: container, State: { Status: 'running' }, Config: { Labels: labels } });
    this.docker.emitContainer(container, 'start');
  }

  #next(): number {
    this.#index += 1;
    return this.#index;
  }
}
