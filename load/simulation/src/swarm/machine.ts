import type { Disk, KernelStandIn } from '@fairway/executor';
import {
  type ContainerEvent,
  DockerRefused,
  DockerUnavailable,
  type EngineContainer,
  type EngineTask,
  MemoryDocker,
  type SwarmEvent,
  type TaskChange,
} from '@fairway/watcher';
import type { Latency } from './latency.ts';
import { Sandboxes } from './sandboxes.ts';
import { isPast, type SwarmStore } from './store.ts';

/** What a machine asks of the swarm that it is in. */
export type Managers = {
  readonly store: SwarmStore;
  /** Whether they agree with each other, so that anything can be asked or told. */
  hasQuorum(): boolean;
  /** Something changed that they may have to act upon. */
  wake(): void;
  /** Whether the task's service has a health check. */
  checksHealth(service: string): boolean;
};

type Say = (what: string) => void;

/** Docker takes a task that is to end out of its own balancing, and waits for so long before its process is told (0015). */
const drainMs = 2_000;

/** So long a machine has been up when a story begins: what it said by then has higher ticks than all that its next boot says. */
const upMs = 30 * 24 * 3600_000;

/**
 * One machine: its dockerd with the containers of its tasks, its kernel, its disk. The agent in its dockerd does what the
 * managers assigned to it, each thing a while later, and tells them what came of it.
 */
export class Machine {
  readonly name: string;
  /** Its id in the swarm; another one each time that it joins. */
  node: string;
  readonly docker: MemoryDocker;
  readonly kernel: KernelStandIn;
  readonly disk: Disk;
  readonly #managers: Managers;
  readonly #latency: Latency;
  readonly #say: Say;
  readonly #files = new Map<string, string>();
  boots = 1;
  bootMs = -upMs;
  powered = true;
  /** Whether dockerd runs. */
  daemon = true;
  /** Whether it reaches the managers. */
  linked = true;
  /** The machines whose sandboxes its own does not reach. */
  readonly unreached = new Set<Machine>();
  manager: boolean;
  /** Whether it is in the swarm. */
  member = true;
  /** What its managers' part tells of the swarm comes so late. */
  lagMs = 0;
  /** What its overlay has, or had until then, no way to, or none back. */
  readonly lost: {
    readonly what: 'noWay' | 'silent';
    readonly holds: (address: string) => boolean;
    readonly untilMs: number;
  }[] = [];
  /** Containers that somebody sent a signal to end, and that survived it. */
  readonly signalled = new Set<string>();
  /** A task that is to end since then is told so from now on. */
  onSignal: (task: EngineTask, sinceMs: number) => void = () => {};
  /** Raised by each end of dockerd: what was under way before does not go on. */
  #life = 0;
  #due = false;
  readonly #busy = new Set<string>();
  /** By task, its last container. */
  readonly #ids = new Map<string, string>();
  /** The networks that each container is on. */
  readonly #attached = new Map<string, readonly string[]>();
  readonly #sandboxes: Sandboxes;
  /** How many containers were made, and how often it has joined. */
  #made = 0;
  #joined = 1;

  constructor(
    name: string,
    manager: boolean,
    kernel: KernelStandIn,
    managers: Managers,
    latency: Latency,
    say: (who: string, what: string) => void,
  ) {
    this.name = name;
    this.node = `${name}id`;
    this.#sandboxes = new Sandboxes(kernel);
    this.manager = manager;
    this.kernel = kernel;
    this.#managers = managers;
    this.#latency = latency;
    this.#say = (what) => say(name, what);
    this.docker = new MemoryDocker(
      { node: this.node, swarm: 'swarm1', manager, state: 'active' },
      managers.store.objects,
    );
    this.docker.beforeAnswer = (operation) => this.#answer(operation);
    this.disk = {
      read: async (path) => this.#files.get(path),
      replace: async (path, text) => void this.#files.set(path, text),
    };
    this.#openIngress();
  }

  /** Whether its agent and the managers hear each other. */
  get reachable(): boolean {
    return this.member && this.powered && this.daemon && this.linked;
  }

  /** The id of the present boot of its kernel. */
  get boot(): string {
    return `${this.name}-boot${this.boots}`;
  }

  setLinked(linked: boolean): void {
    if (this.linked === linked) return;
    this.linked = linked;
    this.#say(linked ? 'reaches the managers again' : 'does not reach the managers');
    this.#managers.wake();
    this.wake();
  }

  setManager(manager: boolean): void {
    this.manager = manager;
    this.docker.setInfo({ manager });
  }

  /** dockerd ends, and with it every container; nobody is told. */
  stopDaemon(): void {
    if (!this.daemon) return;
    this.#say('dockerd ends');
    this.daemon = false;
    this.#life += 1;
    this.#busy.clear();
    this.docker.stopDaemon();
    this.docker.gateway = undefined;
    for (const [id, container] of this.containers()) {
      if (container.State.Status !== 'exited') this.#setState(id, { Status: 'exited' });
    }
    this.kernel.replaceSandbox(undefined, 'ingress');
    this.#syncSandboxes();
    this.#managers.wake();
  }

  startDaemon(): void {
    if (this.daemon || !this.powered) return;
    this.daemon = true;
    this.docker.startDaemon();
    this.#say('dockerd is started');
    const life = this.#life;
    this.#latency.after(50, 500, () => {
      if (life !== this.#life) return;
      this.#openIngress();
      this.docker.emit({ kind: 'network', action: 'connect', id: 'gwbridge', scope: 'local' });
      this.#managers.wake();
      this.wake();
    });
  }

  powerOff(): void {
    if (!this.powered) return;
    this.#say('loses its power');
    this.stopDaemon();
    this.powered = false;
    this.kernel.reboot();
  }

  /** Starts with a new boot id and none of its containers running. */
  powerOn(): void {
    if (this.powered || !this.member) return;
    this.powered = true;
    this.boots += 1;
    this.bootMs = this.#latency.clock.nowMs();
    this.#say(`starts, boot ${this.boots}`);
    this.startDaemon();
  }

  /** It is out of the swarm, and without power. */
  leave(): void {
    this.member = false;
    this.setManager(false);
    this.powerOff();
  }

  /** It is joined to the swarm anew, as another node; what it has on its disk is still there. */
  join(): void {
    this.member = true;
    this.#joined += 1;
    this.node = `${this.name}id${this.#joined}`;
    this.docker.setInfo({ node: this.node });
    this.powerOn();
  }

  /** An event of the swarm's, as a manager's dockerd tells it. */
  tell(event: SwarmEvent): void {
    this.#asManager(() => this.docker.emit(event));
  }

  /** What was decided of a task, as a manager's dockerd tells it. */
  decide(change: TaskChange): void {
    this.#asManager(() => this.docker.decideTask(change));
  }

  #asManager(tell: () => void): void {
    if (!this.manager || !this.reachable) return;
    if (this.lagMs === 0) tell();
    else this.#later(0, this.lagMs, tell);
  }

  containers(): [string, EngineContainer][] {
    return [...this.docker.containers].flatMap(([id, held]) => (held === 'malformed' ? [] : [[id, held]]));
  }

  containerOf(task: string): EngineContainer | undefined {
    const held = this.docker.containers.get(this.#idOf(task));
    return held === 'malformed' ? undefined : held;
  }

  /** The process in a container ends by itself. */
  crash(task: string): void {
    const id = this.#idOf(task);
    if (!this.daemon || !isAlive(this.containerOf(task)) || this.#busy.has(id)) return;
    this.#say(`the container of ${task} ends by itself`);
    this.#exit(id);
    this.wake();
  }

  /** The container's health check fails; Swarm then ends it. */
  sicken(task: string): void {
    const id = this.#idOf(task);
    const held = this.containerOf(task);
    if (!this.daemon || held?.State.Health?.Status !== 'healthy' || this.#busy.has(id)) return;
    this.#say(`the container of ${task} is unhealthy`);
    this.#setState(id, { Status: 'running', Health: { Status: 'unhealthy' } });
    this.#emit(id, 'unhealthy');
    this.#busy.add(id);
    this.#later(100, 800, () => this.#stop(id));
  }

  /** Somebody sends the container a signal to end, which it survives. */
  signal(task: string): void {
    const id = this.#idOf(task);
    if (!this.daemon || this.containerOf(task)?.State.Status !== 'running' || this.#busy.has(id)) return;
    this.#say(`the container of ${task} survives a signal`);
    this.signalled.add(id);
    this.#emit(id, 'kill', 15);
  }

  /** Lets the agent look, soon, at what is assigned to it. */
  wake(): void {
    if (this.#due) return;
    this.#due = true;
    this.#latency.after(10, 150, () => {
      this.#due = false;
      this.#work();
    });
  }

  #work(): void {
    if (!this.reachable || !this.#managers.hasQuorum() || this.docker.gateway === undefined) return;
    const { store } = this.#managers;
    const assigned = store.all('tasks').filter((task) => task.NodeID === this.node);
    for (const task of assigned) this.#attend(task);
    const known = new Set(assigned.map(({ ID }) => this.#idOf(ID)));
    for (const [id, container] of this.containers()) {
      if (known.has(id) || this.#busy.has(id)) continue;
      if (isAlive(container)) this.#stop(id);
      else this.#remove(id);
    }
  }

  #attend(task: EngineTask): void {
    const id = this.#idOf(task.ID);
    const held = this.containerOf(task.ID);
    if (this.#busy.has(id)) return;
    const ended = isPast(task.Status.State);
    if (isPast(task.DesiredState)) {
      if (isAlive(held)) this.#drain(id, task);
      else if (!ended) this.#report(task.ID, 'shutdown');
      else if (held) this.#remove(id);
    } else if (ended) {
      if (isAlive(held)) this.#stop(id);
    } else if (!held) this.#start(task);
    else if (!isAlive(held)) this.#report(task.ID, 'failed');
    else if (task.Status.State !== 'running' && isWell(held)) this.#report(task.ID, 'running');
  }

  #start(task: EngineTask): void {
    this.#made += 1;
    const id = `container-${task.ID}-${this.#made}`;
    this.#ids.set(task.ID, id);
    const health = this.#managers.checksHealth(task.ServiceID);
    this.#busy.add(id);
    this.#later(20, 250, () => {
      const labels = {
        'com.docker.swarm.task.id': task.ID,
        'com.docker.swarm.service.id': task.ServiceID,
        'com.docker.swarm.node.id': this.node,
      };
      this.docker.containers.set(id, {
        Id: id,
        State: { Status: 'created' },
        Config: { Labels: labels },
      });
      this.#attached.set(
        id,
        task.NetworksAttachments.map(({ Network }) => Network.ID),
      );
      this.#emit(id, 'create');
      this.#syncSandboxes();
      this.#later(20, 200, () => {
        this.#setState(id, { Status: 'running', ...(health ? { Health: { Status: 'starting' } } : {}) });
        this.#emit(id, 'start');
        this.#say(`the container of ${task.ID} starts`);
        if (!health) return this.#rest(id);
        this.#later(200, 1200, () => {
          this.#setState(id, { Status: 'running', Health: { Status: 'healthy' } });
          this.#emit(id, 'healthy');
          this.#rest(id);
        });
      });
    });
  }

  /** A task that is to end. */
  #drain(id: string, task: EngineTask): void {
    const sinceMs = this.#latency.clock.nowMs();
    this.#busy.add(id);
    this.#later(drainMs, drainMs, () => {
      this.onSignal(task, sinceMs);
      this.#stop(id);
    });
  }

  #stop(id: string): void {
    this.#busy.add(id);
    this.#emit(id, 'kill', 15);
    this.#later(20, 1500, () => {
      this.#exit(id);
      this.#rest(id);
    });
  }

  #exit(id: string): void {
    this.#say(`the container of ${taskOf(id)} is dead`);
    this.#setState(id, { Status: 'exited' });
    this.#emit(id, 'die');
    this.#syncSandboxes();
  }

  #remove(id: string): void {
    this.#busy.add(id);
    this.#later(500, 4000, () => {
      this.#emit(id, 'destroy');
      this.docker.containers.delete(id);
      this.#attached.delete(id);
      if (this.#idOf(taskOf(id)) === id) this.#ids.delete(taskOf(id));
      this.signalled.delete(id);
      this.#rest(id);
    });
  }

  #rest(id: string): void {
    this.#busy.delete(id);
    this.wake();
  }

  /** The managers hear of a task's state a while later, if they can be reached then. */
  #report(task: string, state: 'running' | 'shutdown' | 'failed'): void {
    const id = this.#idOf(task);
    this.#busy.add(id);
    this.#later(10, 250, () => {
      this.#busy.delete(id);
      if (!this.reachable || !this.#managers.hasQuorum()) return this.wake();
      const { store } = this.#managers;
      const held = store.get('tasks', task);
      // It may have ended while the report was on its way.
      const stillTrue = (state === 'running') === isWell(this.containerOf(task));
      if (held && !isPast(held.Status.State) && stillTrue) {
        store.putTask({ ...held, Status: { State: state } });
        this.#managers.wake();
      }
      this.wake();
    });
  }

  /** As `after`, unless dockerd ends before. */
  #later(minMs: number, maxMs: number, work: () => void): void {
    const life = this.#life;
    this.#latency.after(minMs, maxMs, () => {
      if (life === this.#life) work();
    });
  }

  #setState(id: string, state: EngineContainer['State']): void {
    const held = this.docker.containers.get(id);
    if (held && held !== 'malformed') this.docker.containers.set(id, { ...held, State: state });
  }

  #emit(id: string, action: ContainerEvent['action'], signal?: number): void {
    this.docker.emitContainer(id, action, signal);
  }

  #openIngress(): void {
    const last = 2 + this.#latency.chance.upTo(3);
    this.docker.gateway = { family: 'ip', text: `172.18.0.${last}` };
    this.kernel.replaceSandbox(`${this.boot}-${this.#life}`, 'ingress');
    this.#syncSandboxes();
  }

  #syncSandboxes(): void {
    const alive = this.containers().filter(([, container]) => this.daemon && isAlive(container));
    const attached = new Set(alive.flatMap(([id]) => this.#attached.get(id) ?? []));
    this.#sandboxes.sync(new Set(this.networks.filter((network) => attached.has(network))));
  }

  /** A task's last container: a swarm that is restored may have a task run that ran before, in another one. */
  #idOf(task: string): string {
    return this.#ids.get(task) ?? '';
  }

  /** The swarm's overlay networks, whether the machine takes part in them or not. */
  get networks(): readonly string[] {
    return this.#managers.store.all('networks').flatMap(({ Id, Ingress }) => (Ingress ? [] : [Id]));
  }

  /** Overlay networks' sandboxes that there are. */
  get sandboxes(): readonly `lb_${string}`[] {
    return this.#sandboxes.names;
  }

  async #answer(operation: string): Promise<void> {
    await this.#latency.pass(0, 8);
    if (!this.powered) throw new DockerUnavailable(operation);
    const ofSwarm = /^(list(Services|Tasks|Nodes)|inspect (service|task|node) )/.test(operation);
    if (ofSwarm && this.manager && !(this.reachable && this.#managers.hasQuorum()))
      throw new DockerRefused(operation, 500);
  }
}

function taskOf(container: string): string {
  return container.split('-')[1] ?? '';
}

function isAlive(container: EngineContainer | undefined): boolean {
  return container !== undefined && container.State.Status !== 'exited';
}

function isWell(container: EngineContainer | undefined): boolean {
  return container?.State.Status === 'running' && (container.State.Health?.Status ?? 'healthy') === 'healthy';
}
