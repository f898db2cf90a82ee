import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CredentialsFolder, type Jsz, notOnEach } from '@fairway/credentials';
import { killCgroup, makeCgroup } from './cgroup.ts';
import { attempt, type CommandOptions, type CommandResult } from './command.ts';
import { Engine } from './engine.ts';
import { consoleUrls, nodeService } from './fairway.ts';
import { isAlive } from './identity.ts';
import { deleteNamespace, enterNamespace } from './namespace.ts';
import {
  busReady,
  busSeen,
  clusterCredentials,
  credentialsFile,
  natsName,
  nodeNats,
  presentForm,
  removeStore,
  storeOf,
} from './nats.ts';
import { addMachine, dockerd, dockerdName, dockerdReady, enterNode, nodeCgroup } from './node.ts';
import { joinNode, startNode, startPart } from './part.ts';
import { type ClusterPlace, placeOf } from './place.ts';
import { killProcess, logTail, type ProcessRecord, stopProcess } from './process.ts';
import { shellEnvironment, writeShellEnvironment, writeShortcuts } from './shortcuts.ts';
import { type NodeRecord, readState, updateState } from './state.ts';
import { leaveSwarm, nodeBack, workerToken } from './swarm.ts';
import { lanAddress, lanNamespace, NodeCountInvalid, nodesMax, unplug } from './switch.ts';
import { removeCluster } from './teardown.ts';

/** A command as its words, or as a line for bash. */
export type Command = readonly string[] | string;

/** A part of the cluster that runs as a process: `decider`, `console`, `node1`,
 * `node1.dockerd`, `node1.nats` ... */
export interface ClusterProcess {
  readonly name: string;
  readonly logFile: string;
  /** Pid of the last start; it may have ended since. */
  readonly pid: number | undefined;
  readonly isAlive: boolean;
  /**
   * Starts it as before, but for the environment variables given, which it keeps, and flags, which it does not; nothing
   * happens when it runs. Does not wait until it is ready.
   */
  start(settings?: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<void>;
  /** SIGTERM, and waits for the end. Throws EndedByForce when that took more than 10 s. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Any other signal, e.g. SIGSTOP or nats-server's SIGUSR2. */
  signal(signal: NodeJS.Signals): void;
  /** Last lines of its log, 40 unless told. */
  log(lines?: number): string;
}

/** One node of the swarm as it stands. */
export interface ClusterNode extends Omit<NodeRecord, 'holder'> {
  /** Process whose mount, UTS and network namespaces are the node's. */
  readonly holderPid: number;
  readonly engine: Engine;
  /** Runs a command on the node, where dockerd runs. */
  exec(command: Command, options?: CommandOptions): Promise<CommandResult>;
  /** What to run a command with in one of the node's sandboxes, e.g. `ingress_sbox`. */
  sandboxArgv(sandbox: string, command: Command): string[];
  /** Runs a command in one of the node's sandboxes. */
  execSandbox(sandbox: string, command: Command, options?: CommandOptions): Promise<CommandResult>;
}

/** Where an outside client is: on the nodes' LAN, on none of them. */
export interface ClusterClient {
  readonly namespace: string;
  readonly address: string;
  exec(command: Command, options?: CommandOptions): Promise<CommandResult>;
}

/** No part of this name belongs to the cluster. */
export class PartUnknown extends Error {
  constructor(part: string, known: readonly string[]) {
    super(`The cluster has no ${part}; it has ${known.join(', ')}`);
    this.name = 'PartUnknown';
  }
}

function words(command: Command): readonly string[] {
  return typeof command === 'string' ? ['bash', '-c', command] : command;
}

/** A running cluster. It keeps nothing but the place: everything is read from the state file, so that any number of
 * processes may attach to the same cluster. */
export class Cluster {
  readonly name: string;
  readonly client: ClusterClient;
  private readonly place: ClusterPlace;

  constructor(name: string) {
    this.name = name;
    this.place = placeOf(name);
    const namespace = lanNamespace(this.place);
    this.client = {
      namespace,
      address: lanAddress,
      exec: (command, options) => attempt([...enterNamespace(namespace), ...words(command)], options),
    };
  }

  get nodes(): ClusterNode[] {
    return readState(this.place).nodes.map((node) => this.describeNode(node));
  }

  /** The first manager. */
  get manager(): ClusterNode {
    return this.node(this.nodes.find((node) => node.role === 'manager')?.name ?? 'manager');
  }

  /** Folder with the command `fairway`, and one command for each machine, which runs its arguments there. */
  get binDir(): string {
    return this.place.binDir;
  }

  /** What a shell has to know to use the cluster, as variables. */
  get environment(): Record<string, string> {
    return shellEnvironment(this.place, readState(this.place).nodes);
  }

  /** The same as a file for a shell to read with `.`; writes it, and the commands in `binDir`, for the present nodes. */
  writeShortcuts(): string {
    const { nodes } = readState(this.place);
    writeShortcuts(this.place, nodes);
    return writeShellEnvironment(this.place, nodes);
  }

  /** The bus's servers, each a process, and how clients reach them. */
  get bus(): { readonly urls: readonly string[]; readonly servers: readonly ClusterProcess[] } {
    const { urls, parts } = readState(this.place).bus;
    return { urls, servers: parts.map((part) => this.process(part)) };
  }

  /** Folder in which a server of the bus keeps all that it stores. */
  busStore(server: string): string {
    return storeOf(this.place, server);
  }

  /** What the first console that answers says of the mesh, as JSON. Throws where none does, with what curl said. */
  status(): Promise<string> {
    return this.askConsole('status');
  }

  /** What passed on the bus last, a line of JSON each, by the first console that answers. Throws as `status`. */
  events(): Promise<string> {
    return this.askConsole('events');
  }

  /** Who may connect to the bus. What is changed there, the servers are told. */
  credentials(): Promise<CredentialsFolder> {
    return clusterCredentials(this.place);
  }

  /** The file that a service of this name connects with, or the node of this id. */
  credentialsFile(name: string): string {
    return credentialsFile(this.place, name);
  }

  get logDir(): string {
    return this.place.logDir;
  }

  get processes(): ClusterProcess[] {
    return Object.keys(readState(this.place).processes).map((name) => this.process(name));
  }

  /** Throws PartUnknown. */
  node(name: string): ClusterNode {
    const { nodes } = readState(this.place);
    const node = nodes.find((one) => one.name === name);
    if (!node)
      throw new PartUnknown(
        name,
        nodes.map((one) => one.name),
      );
    return this.describeNode(node);
  }

  /** Throws PartUnknown. */
  process(name: string): ClusterProcess {
    const { place } = this;
    const read = (): ProcessRecord => {
      const { processes } = readState(place);
      const record = processes[name];
      if (!record) throw new PartUnknown(name, Object.keys(processes));
      return record;
    };
    const { logFile } = read();
    return {
      name,
      logFile,
      get pid() {
        return read().last?.pid;
      },
      get isAlive() {
        const { last } = read();
        return last !== undefined && isAlive(last);
      },
      start: async (settings = {}, ...flags) => {
        const record = read();
        if (record.last && isAlive(record.last)) return;
        await startPart(place, { ...record, env: { ...record.env, ...settings } }, flags);
      },
      stop: async () => {
        const { last } = read();
        if (last) await stopProcess(name, last);
      },
      kill: async () => {
        const { last } = read();
        if (last) await killProcess(name, last);
      },
      signal: (signal) => {
        const { last } = read();
        if (last && isAlive(last)) process.kill(last.pid, signal);
      },
      log: (lines = 40) => logTail(logFile, lines),
    };
  }

  /** Runs a command in a network namespace of the machine, by its name. */
  exec(namespace: string, command: Command, options?: CommandOptions): Promise<CommandResult> {
    return attempt([...enterNamespace(namespace), ...words(command)], options);
  }

  /** What to run a command with where an outside client is, so that it ends with the cluster at the latest. */
  clientArgv(command: Command): string[] {
    const enterCgroup = ['bash', '-c', 'echo $$ >"$0" && exec "$@"', makeCgroup(`${this.place.cgroup}/client`)];
    return [...enterCgroup, ...enterNamespace(this.client.namespace), ...words(command)];
  }

  /** Adds a worker and returns it when the manager calls it ready; with Fairway, its node process is started. */
  async addNode(): Promise<ClusterNode> {
    return this.join(await startNode(this.place, this.nextNumber(), 'worker'));
  }

  /** Takes a worker out in order: its node process is stopped, it leaves the swarm, and its machine is removed. */
  async removeNode(name: string): Promise<void> {
    const node = this.node(name);
    if (readState(this.place).processes[name]) await this.process(name).stop();
    await leaveSwarm(this.manager.engine, node.engine, node.swarmNodeId);
    if (readState(this.place).fairway) await (await this.credentials()).revoke(node.swarmNodeId);
    await this.cutPower(name);
    updateState(this.place, (state) => {
      state.nodes = state.nodes.filter((one) => one.name !== name);
      delete state.processes[name];
      delete state.processes[dockerdName(name)];
      delete state.processes[natsName(name)];
      state.bus.parts = state.bus.parts.filter((part) => part !== natsName(name));
    });
    rmSync(node.dir, { recursive: true });
  }

  /** A node loses power: off the network first, so that nothing can say goodbye, and then everything on it is gone. */
  async cutPower(name: string): Promise<void> {
    const node = this.node(name);
    await unplug(this.place, name);
    await killCgroup(nodeCgroup(this.place, name));
    await deleteNamespace(node.namespace);
  }

  /** The node of a power cut boots again with the disk it had, and the processes that it had; `say` as in `startDockerd`. */
  async restorePower(name: string, say?: (line: string) => void): Promise<void> {
    const node = await this.boot(name);
    await this.backInSwarm(name, say);
    if (readState(this.place).fairway) await startPart(this.place, nodeService(this.place, node));
  }

  /**
   * A node's dockerd that ended is started, and the node is back in its swarm. Where Docker's manager goes on calling it
   * down, dockerd is started again, and `say` hears of it.
   */
  async startDockerd(name: string, say?: (line: string) => void): Promise<void> {
    await this.process(dockerdName(name)).start();
    await this.backInSwarm(name, say);
  }

  /** The swarm forgets a node that lost its power, by force: it gives the addresses of its tasks to others. */
  async forgetNode(name: string): Promise<void> {
    const { swarmNodeId } = this.node(name);
    await this.manager.engine.delete(`/nodes/${swarmNodeId}?force=true`);
    if (readState(this.place).fairway) await (await this.credentials()).revoke(swarmNodeId);
  }

  /** The machine of a node that was forgotten boots with the disk it had, and joins under a new id. */
  async rejoin(name: string): Promise<ClusterNode> {
    const node = await this.boot(name);
    await new Engine(node.socket).post('/swarm/leave?force=true');
    return this.join(node);
  }

  /** Servers of the bus, all unless told otherwise, end without warning and lose all that they had; empty ones take their place. */
  async wipeBus(names?: readonly string[]): Promise<void> {
    const servers = this.bus.servers.filter(({ name }) => names?.includes(name) ?? true);
    await Promise.all(servers.map((server) => server.kill()));
    for (const { name } of servers) removeStore(this.place, name);
    for (const server of servers) await server.start();
  }

  /** Waits until every server of the bus says that it has all that it is to have. */
  busReady(): Promise<void> {
    return busReady(this.place, readState(this.place).nodes, presentForm(this.place));
  }

  /** What each server of the bus says of JetStream, by the server's name. */
  busSeen(): Promise<ReadonlyMap<string, Jsz>> {
    return busSeen(this.place, readState(this.place).nodes, presentForm(this.place));
  }

  /** What of the bus is not on each of its servers; empty where all is, as on a single one. */
  async busLacks(): Promise<readonly string[]> {
    return presentForm(this.place) === 'single' ? [] : notOnEach(await this.busSeen());
  }

  /** Removes every process, namespace, mount and file of the cluster. */
  stop(): Promise<void> {
    return removeCluster(this.place);
  }

  private async askConsole(question: string): Promise<string> {
    let said = 'there is no console';
    for (const url of consoleUrls(this.place)) {
      const { status, stdout, stderr } = await this.client.exec(['curl', '-sSf', '-m', '5', `${url}/api/${question}`]);
      if (status === 0) return stdout;
      said = stderr.trim();
    }
    throw new Error(said);
  }

  private async backInSwarm(name: string, say: (line: string) => void = () => {}): Promise<void> {
    const { engine, swarmNodeId } = this.node(name);
    await nodeBack(this.manager.engine, engine, swarmNodeId, async () => {
      say(`Docker's manager calls ${name} down, which has registered with it; its dockerd is started again`);
      const dockerd = this.process(dockerdName(name));
      await dockerd.stop();
      await dockerd.start();
    });
  }

  /** A machine without power gets it again, and with it dockerd and the server of the bus that is on it. */
  private async boot(name: string): Promise<NodeRecord> {
    const { nodes } = readState(this.place);
    const before = nodes.find((one) => one.name === name);
    if (!before)
      throw new PartUnknown(
        name,
        nodes.map((one) => one.name),
      );
    const node = { ...before, holder: await addMachine(this.place, before) };
    updateState(this.place, (state) => {
      state.nodes = state.nodes.map((one) => (one.name === name ? node : one));
    });
    const server = nodeNats(this.place, node);
    if (server) await startPart(this.place, server);
    const started = await startPart(this.place, dockerd(this.place, node));
    await dockerdReady(started, node.socket);
    return node;
  }

  /** A machine with dockerd joins the swarm as a worker; with Fairway, its node process is started. */
  private async join(node: NodeRecord): Promise<ClusterNode> {
    await joinNode(this.place, node, this.manager, await workerToken(this.manager.engine));
    const joined = this.node(node.name);
    if (readState(this.place).fairway) {
      await (await this.credentials()).add({ name: joined.swarmNodeId, role: 'node' });
      await startPart(this.place, nodeService(this.place, { ...node, swarmNodeId: joined.swarmNodeId }));
    }
    return joined;
  }

  private nextNumber(): number {
    const numbers = readState(this.place).nodes.map((node) => Number(node.name.slice('node'.length)));
    const next = Math.max(0, ...numbers) + 1;
    if (next > nodesMax) throw new NodeCountInvalid(next);
    return next;
  }

  private describeNode({ holder, ...node }: NodeRecord): ClusterNode {
    const enter = enterNode({ namespace: node.namespace, holder });
    const sandboxArgv = (sandbox: string, command: Command) => [
      ...enter,
      'nsenter',
      `--net=${join(node.netnsDir, sandbox)}`,
      ...words(command),
    ];
    return {
      ...node,
      holderPid: holder.pid,
      engine: new Engine(node.socket),
      exec: (command, options) => attempt([...enter, ...words(command)], options),
      sandboxArgv,
      execSandbox: (sandbox, command, options) => attempt(sandboxArgv(sandbox, command), options),
    };
  }
}
