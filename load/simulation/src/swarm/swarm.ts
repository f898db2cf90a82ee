import type { EngineService, EngineTask } from '@fairway/watcher';
import { Addresses } from './addresses.ts';
import type { Latency } from './latency.ts';
import type { Machine } from './machine.ts';
import { isPast, SwarmStore } from './store.ts';

/** What an operator asks for. */
export type ServiceWish = {
  readonly replicas: number;
  /** Published ports; a port that another service has is refused, as Swarm does. */
  readonly ports: readonly { readonly protocol: 'tcp' | 'udp'; readonly published: number; readonly target: number }[];
  /** Numbers of overlay networks. */
  readonly networks: readonly number[];
  readonly health: boolean;
  readonly mode: 'vip' | 'dnsrr';
};

const ingress = 'ingress0';
/** Ended tasks of a service that the managers keep as its history. */
const historyMax = 2;

/**
 * A swarm: managers that hold one store and put tasks on machines, as Docker's do. It shares no code with Fairway but
 * the shapes of Docker's objects.
 */
export class Swarm {
  readonly store = new SwarmStore();
  /** Whether Docker ever calls a machine down. */
  judges = true;
  readonly #latency: Latency;
  readonly #say: (what: string) => void;
  /** By network; none of two that there are at once have the same. */
  readonly #addresses = new Map<string, Addresses>();
  /** Services with a health check, and how often each was updated; by id, which is never given again. */
  readonly #health = new Set<string>();
  readonly #versions = new Map<string, number>();
  readonly #versionOfTask = new Map<string, number>();
  /** The networks that each service is on. */
  readonly #networks = new Map<string, readonly string[]>();
  /** Tasks whose addresses were given back. */
  readonly #freed = new Set<string>();
  /** Nodes that are to be removed once they are taken for down, as Docker demands. */
  readonly #leaving = new Set<string>();
  /** Nodes of which a word is on its way. */
  readonly #judging = new Set<string>();
  #machines: readonly Machine[] = [];
  #ids = 0;
  #overlays = 0;
  #due = false;

  constructor(latency: Latency, overlays: number, say: (who: string, what: string) => void) {
    this.#latency = latency;
    this.#say = (what) => say('swarm', what);
    this.#addNetwork(ingress, 'ingress', 0);
    for (let n = 1; n <= overlays; n++) this.#addOverlay();
  }

  /** Machines take part from now on. */
  join(machines: readonly Machine[]): void {
    this.#machines = machines;
    for (const machine of machines) this.#putMember(machine, 'ready');
  }

  /** The machine is gone for good, and its node is removed; answers whether that may be. */
  remove(machine: Machine): boolean {
    if (!this.hasQuorum() || !machine.member) return false;
    this.setManager(machine, false);
    if (machine.manager) return false;
    this.#leaving.add(machine.node);
    machine.leave();
    this.wake();
    return true;
  }

  /** The machine that was removed, or what was put in its place under its name, is joined as a new node. */
  rejoin(machine: Machine): void {
    if (machine.member) return;
    machine.join();
    this.#putMember(machine, 'unknown');
    this.#tell('node', 'create', machine.node);
  }

  createNetwork(): void {
    if (this.hasQuorum()) this.#tell('network', 'create', this.#addOverlay());
  }

  /** The overlay networks that no service and no task is on, and which may be removed therefore. */
  get unusedNetworks(): readonly string[] {
    const used = new Set([
      ...this.store.all('services').flatMap(({ ID }) => this.#networks.get(ID) ?? []),
      ...this.store.all('tasks').flatMap((task) => task.NetworksAttachments.map(({ Network }) => Network.ID)),
    ]);
    return this.store.all('networks').flatMap(({ Id, Ingress }) => (Ingress || used.has(Id) ? [] : [Id]));
  }

  removeNetwork(id: string): void {
    if (!this.hasQuorum() || !this.unusedNetworks.includes(id)) return;
    this.store.delete('networks', id);
    this.#addresses.delete(id);
    this.#tell('network', 'remove', id);
  }

  hasQuorum(): boolean {
    const managers = this.#machines.filter(({ manager }) => manager);
    return managers.filter(({ reachable }) => reachable).length * 2 > managers.length;
  }

  checksHealth(service: string): boolean {
    return this.#health.has(service);
  }

  /** The id of the new service; undefined where it is refused. */
  createService({ replicas, ports, networks, health, mode }: ServiceWish): string | undefined {
    if (!this.hasQuorum() || ports.some(({ protocol, published }) => this.#isPublished(protocol, published)))
      return undefined;
    if (mode === 'dnsrr' && ports.length > 0) return undefined;
    this.#ids += 1;
    const id = `s${this.#ids}`;
    if (health) this.#health.add(id);
    this.#versions.set(id, 0);
    const present = networks.map(networkId).filter((network) => this.store.get('networks', network));
    const on = [...(ports.length > 0 ? [ingress] : []), ...present];
    const vips = mode === 'vip' ? on.map((NetworkID) => ({ NetworkID, Addr: this.#take(NetworkID) })) : [];
    this.#networks.set(id, on);
    this.store.putService({
      ID: id,
      Spec: {
        Name: `web${this.#ids}`,
        Labels: {},
        Mode: { Replicated: { Replicas: replicas } },
        EndpointSpec: { Mode: mode },
      },
      Endpoint: {
        Spec: { Mode: mode },
        Ports: ports.map(({ protocol, published, target }) => ({
          Protocol: protocol,
          TargetPort: target,
          PublishedPort: published,
          PublishMode: 'ingress',
        })),
        VirtualIPs: vips,
      },
    });
    this.#tell('service', 'create', id, `${replicas} tasks`);
    return id;
  }

  scaleService(id: string, replicas: number): void {
    const service = this.#asked(id);
    if (!service) return;
    this.store.putService({ ...service, Spec: { ...service.Spec, Mode: { Replicated: { Replicas: replicas } } } });
    this.#tell('service', 'update', id, `to ${replicas} tasks`);
  }

  /** Every task is replaced, one after the other; and where it has ports, they lead to another target from now on. */
  updateService(id: string, target: number): void {
    const service = this.#asked(id);
    if (!service) return;
    this.#versions.set(id, (this.#versions.get(id) ?? 0) + 1);
    const Ports = service.Endpoint.Ports.map((port) => ({ ...port, TargetPort: target }));
    this.store.putService({
      ...service,
      Endpoint: { ...service.Endpoint, Ports },
      UpdateStatus: { State: 'updating' },
    });
    this.#tell('service', 'update', id, `to target ${target}`);
  }

  removeService(id: string): void {
    const service = this.#asked(id);
    if (!service) return;
    for (const { NetworkID, Addr } of service.Endpoint.VirtualIPs) if (Addr) this.#addresses.get(NetworkID)?.free(Addr);
    this.store.delete('services', id);
    this.#tell('service', 'remove', id);
  }

  setAvailability(machine: Machine, availability: 'active' | 'drain'): void {
    const node = this.store.get('nodes', machine.node);
    if (!node || !this.hasQuorum() || node.Spec.Availability === availability) return;
    this.store.putNode({ ...node, Spec: { ...node.Spec, Availability: availability } });
    this.#tell('node', 'update', machine.node, availability);
  }

  /** A majority of managers always stays, as Docker demands of whoever demotes. */
  setManager(machine: Machine, manager: boolean): void {
    const node = this.store.get('nodes', machine.node);
    const managers = this.#machines.filter((one) => one.manager && one !== machine);
    if (!node || !this.hasQuorum() || !machine.reachable || machine.manager === manager) return;
    if (!manager && managers.filter(({ reachable }) => reachable).length * 2 <= managers.length) return;
    machine.setManager(manager);
    this.store.putNode({ ...node, Spec: { ...node.Spec, Role: manager ? 'manager' : 'worker' } });
    this.#tell('node', 'update', machine.node, manager ? 'promoted' : 'demoted');
  }

  /** What the managers hold now, to be put back later. No event tells of that. */
  backup(): () => void {
    const restore = this.store.backup();
    const addresses = new Map(this.#addresses);
    return () => {
      restore();
      this.#say('restored from a backup');
      this.#addresses.clear();
      for (const [network, held] of addresses) {
        held.reset(this.#held(network));
        this.#addresses.set(network, held);
      }
      for (const machine of this.#machines) {
        // Its agent is refused as a node that nobody knows, until somebody joins it.
        if (machine.member && !this.store.get('nodes', machine.node)) this.#putMember(machine, 'unknown');
        const role = this.store.get('nodes', machine.node)?.Spec.Role;
        if (role) machine.setManager(role === 'manager');
        machine.wake();
      }
      this.wake();
    };
  }

  wake(): void {
    if (this.#due) return;
    this.#due = true;
    this.#latency.after(10, 80, () => {
      this.#due = false;
      this.#watchNodes();
      if (!this.hasQuorum()) return;
      this.#removeNodes();
      this.#reconcile();
    });
  }

  /** Docker's word for a machine that was not heard of: `down` after some seconds, `ready` soon after it is heard. */
  #watchNodes(): void {
    for (const { ID, Status } of this.store.all('nodes')) {
      const reachable = this.#isReachable(ID);
      const wanted = reachable ? 'ready' : 'down';
      if (Status.State === wanted || this.#judging.has(ID)) continue;
      this.#judging.add(ID);
      const [minMs, maxMs] = reachable ? [50, 1_000] : [2_000, 6_000];
      this.#latency.after(minMs, maxMs, () => {
        this.#judging.delete(ID);
        this.#judge(ID, wanted);
        this.wake();
      });
    }
  }

  /** Whether a machine is this node, and is heard; a restored swarm may have nodes that no machine is any more. */
  #isReachable(node: string): boolean {
    return this.#machines.some((machine) => machine.node === node && machine.reachable);
  }

  #judge(id: string, state: 'ready' | 'down'): void {
    const node = this.store.get('nodes', id);
    if (
      !this.judges ||
      !node ||
      !this.hasQuorum() ||
      this.#isReachable(id) !== (state === 'ready') ||
      node.Status.State === state
    )
      return;
    this.store.putNode({ ...node, Status: { State: state } });
    this.#tell('node', 'update', id, state);
  }

  #removeNodes(): void {
    for (const id of this.#leaving) {
      if (this.store.get('nodes', id)?.Status.State !== 'down') continue;
      this.#leaving.delete(id);
      // As Docker does since 18.09 (swarmkit, manager/controlapi/node.go): nothing will ever be heard of them.
      for (const task of this.store.all('tasks')) {
        if (task.NodeID === id && !isPast(task.Status.State))
          this.store.putTask({ ...task, Status: { State: 'orphaned' } });
      }
      this.store.delete('nodes', id);
      this.#tell('node', 'remove', id);
    }
  }

  #putMember(machine: Machine, state: 'ready' | 'unknown'): void {
    this.store.putNode({
      ID: machine.node,
      Spec: { Labels: {}, Role: machine.manager ? 'manager' : 'worker', Availability: 'active' },
      Description: { Hostname: machine.name },
      Status: { State: state },
    });
  }

  #reconcile(): void {
    const before = this.store.all('tasks').length;
    for (const service of this.store.all('services')) this.#reconcileService(service);
    for (const task of this.store.all('tasks')) {
      if (!this.store.get('services', task.ServiceID)) this.#bury(task);
      else this.#free(task);
    }
    if (this.store.all('tasks').length !== before) this.wake();
    for (const machine of this.#machines) machine.wake();
  }

  #reconcileService(service: EngineService): void {
    const tasks = this.store.tasksOf(service.ID);
    const wanted = service.Spec.Mode.Replicated?.Replicas ?? 0;
    const version = this.#versions.get(service.ID) ?? 0;
    const alive: EngineTask[] = [];
    for (const task of tasks) {
      if (isPast(task.DesiredState)) continue;
      if (isPast(task.Status.State) || !this.#mayRun(task.NodeID)) this.#end(task, 'shutdown');
      else alive.push(task);
    }
    for (const task of alive.splice(wanted)) this.#end(task, 'shutdown');
    const old = alive.find((task) => (this.#versionOfTask.get(task.ID) ?? 0) < version);
    const allRun = alive.length === wanted && alive.every(({ Status }) => Status.State === 'running');
    if (old && allRun) {
      this.#end(old, 'shutdown');
      alive.splice(alive.indexOf(old), 1);
    }
    if (!old && service.UpdateStatus?.State === 'updating') {
      this.store.putService({ ...service, UpdateStatus: { State: 'completed' } });
      this.#tell('service', 'update', service.ID, 'completed');
    }
    for (let n = alive.length; n < wanted; n++) this.#startTask(service, version);
    const ended = tasks.filter(({ DesiredState, Status }) => isPast(DesiredState) && isPast(Status.State));
    for (const task of ended.slice(0, Math.max(0, ended.length - historyMax))) this.#bury(task);
  }

  #mayRun(node: string): boolean {
    const held = this.store.get('nodes', node);
    return held?.Status.State === 'ready' && held.Spec.Availability === 'active';
  }

  #startTask(service: EngineService, version: number): void {
    const load = new Map(
      this.#machines.filter(({ node }) => this.#mayRun(node)).map(({ node }) => [node, this.#latency.chance.next()]),
    );
    for (const { NodeID, DesiredState } of this.store.all('tasks')) {
      const held = load.get(NodeID);
      if (held !== undefined && !isPast(DesiredState)) load.set(NodeID, held + 1);
    }
    const [first] = [...load].sort(([, a], [, b]) => a - b);
    if (!first) return;
    this.#ids += 1;
    const ID = `t${this.#ids}`;
    this.#versionOfTask.set(ID, version);
    const attachments = (this.#networks.get(service.ID) ?? []).map((network) => ({
      Network: { ID: network },
      Addresses: [this.#take(network)],
    }));
    this.#say(`task ${ID} of ${service.ID} on ${first[0]}: ${show(attachments)}`);
    this.store.putTask({
      ID,
      ServiceID: service.ID,
      NodeID: first[0],
      DesiredState: 'running',
      Status: { State: 'assigned' },
      NetworksAttachments: attachments,
    });
    this.#decided(ID, service.ID);
  }

  #end(task: EngineTask, desired: 'shutdown' | 'remove'): void {
    if (task.DesiredState === desired) return;
    this.store.putTask({ ...task, DesiredState: desired });
    this.#decided(task.ID, task.ServiceID);
  }

  /** A task without a service, or one too many in its history, goes once it has ended. */
  #bury(task: EngineTask): void {
    if (!isPast(task.Status.State)) this.#end(task, 'remove');
    else {
      this.#free(task);
      this.store.delete('tasks', task.ID);
      this.#decided(task.ID, task.ServiceID);
    }
  }

  /** As swarmkit's Watch API tells it on each manager. */
  #decided(task: string, service: string): void {
    for (const machine of this.#machines) machine.decide({ task, service });
  }

  /** The addresses of a task that ended are given to others. */
  #free(task: EngineTask): void {
    if (!isPast(task.Status.State) || this.#freed.has(task.ID)) return;
    this.#freed.add(task.ID);
    for (const { Network, Addresses: held } of task.NetworksAttachments) {
      for (const address of held) if (address) this.#addresses.get(Network.ID)?.free(address);
    }
  }

  #held(network: string) {
    const vips = this.store
      .all('services')
      .flatMap(({ Endpoint }) => Endpoint.VirtualIPs)
      .flatMap(({ NetworkID, Addr }) => (NetworkID === network && Addr ? [Addr] : []));
    const ofTasks = this.store
      .all('tasks')
      .filter(({ Status }) => !isPast(Status.State))
      .flatMap(({ NetworksAttachments }) => NetworksAttachments)
      .flatMap(({ Network, Addresses: held }) => (Network.ID === network ? held : []));
    for (const { ID, Status } of this.store.all('tasks')) {
      if (isPast(Status.State)) this.#freed.add(ID);
      else this.#freed.delete(ID);
    }
    return [...vips, ...ofTasks].flatMap((address) => address ?? []);
  }

  #asked(id: string): EngineService | undefined {
    return this.hasQuorum() ? this.store.get('services', id) : undefined;
  }

  #isPublished(protocol: 'tcp' | 'udp', published: number): boolean {
    return this.store
      .all('services')
      .flatMap(({ Endpoint }) => Endpoint.Ports)
      .some((port) => port.Protocol === protocol && port.PublishedPort === published);
  }

  #take(network: string) {
    const addresses = this.#addresses.get(network);
    if (!addresses) throw new Error(`no network ${network}`);
    return addresses.take();
  }

  /** An overlay network with a new id, and the lowest subnet that is free: what another one had before. */
  #addOverlay(): string {
    this.#overlays += 1;
    const taken = new Set([...this.#addresses.values()].map(({ subnet }) => subnet));
    let subnet = 1;
    while (taken.has(subnet)) subnet += 1;
    this.#addNetwork(networkId(this.#overlays), `net${this.#overlays}`, subnet);
    return networkId(this.#overlays);
  }

  #addNetwork(id: string, name: string, subnet: number): void {
    this.#addresses.set(id, new Addresses(subnet));
    this.store.putNetwork({
      Id: id,
      Name: name,
      Driver: 'overlay',
      Scope: 'swarm',
      Ingress: id === ingress,
      Attachable: false,
      Internal: false,
      Options: {},
    });
  }

  #tell(kind: 'service' | 'node' | 'network', action: string, id: string, detail = ''): void {
    this.#say(`${kind} ${id} ${action} ${detail}`.trim());
    for (const machine of this.#machines) machine.tell({ kind, action, id, scope: 'swarm' });
    this.wake();
  }
}

function networkId(n: number): string {
  return `net${n}`.padEnd(25, '0');
}

function show(attachments: EngineTask['NetworksAttachments']): string {
  return attachments.map(({ Addresses: held }) => held.map((address) => address?.text).join(' ')).join(' ');
}
