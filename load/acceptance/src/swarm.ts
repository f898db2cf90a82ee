import { type Cluster, type ClusterNode, imageName, patience, run, until } from '@fairway/cluster';
import type { Explanation, NodeExamination, View } from '@fairway/mesh';
import { type Asked, type ProbeResult, Prober, type Traffic } from './prober.ts';
import { RuleMonitor } from './rule-monitor.ts';

/** What a test deploys. */
export type Deployment = {
  /** `8000:8000/tcp`, published in mode ingress. */
  readonly ports?: readonly string[];
  readonly replicas?: number;
  /** A task on each node, instead of so many. */
  readonly everywhere?: true;
  /** The container's command; `serve` on port 8000 without it. */
  readonly command?: readonly string[];
  /** Further options of `docker service create`. */
  readonly options?: readonly string[];
};

/** Converging takes some hundred milliseconds; a task takes seconds to start on a busy machine. */
export const stateMaxMs = 60_000;

type Examined = {
  readonly status: number;
  readonly looked: readonly string[];
  readonly findings: readonly string[];
  readonly unable: NodeExamination['unable'] | undefined;
};

/** The suite's swarm as a test uses it: by Docker's own command, and by connections. */
export class Swarm {
  readonly cluster: Cluster;
  readonly #created = new Set<string>();
  readonly #networks = new Set<string>();
  readonly #probers = new Map<string, Prober>();

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  get nodes(): ClusterNode[] {
    return this.cluster.nodes;
  }

  /** Processes of all deciders: one, or two where the bus has three servers. */
  get deciders() {
    return this.#replicas('decider');
  }

  /** Those of all consoles, likewise. */
  get consoles() {
    return this.#replicas('console');
  }

  #replicas(service: string) {
    return this.cluster.processes.filter(({ name }) => name.startsWith(service));
  }

  /** Docker's command on the manager. */
  docker(...args: readonly string[]): Promise<string> {
    return run(['docker', '-H', `unix://${this.cluster.manager.socket}`, ...args]);
  }

  /** Creates a service of one task, unless told otherwise, and returns its id. It is removed after the test. */
  async create(
    name: string,
    { ports = [], replicas = 1, everywhere, command = [], options = [] }: Deployment,
  ): Promise<string> {
    this.#created.add(name);
    const id = await this.docker(
      ...['service', 'create', '--no-resolve-image', '--detach', '--name', name],
      ...(everywhere ? ['--mode', 'global'] : ['--replicas', `${replicas}`]),
      ...ports.flatMap((port) => ['--publish', port]),
      ...['--restart-delay', '0s', ...options, imageName, ...command],
    );
    return id.trim();
  }

  /** Makes an overlay network, which is removed after the test, and returns its id. */
  async network(name: string, ...options: readonly string[]): Promise<string> {
    this.#networks.add(name);
    return (await this.docker('network', 'create', '--driver', 'overlay', ...options, name)).trim();
  }

  /** Removes a network, once Docker lets it: it refuses until the last task has ended, and keeps the name a while. */
  async removeNetwork(name: string): Promise<void> {
    await until(
      `network ${name} to be removed`,
      async () => {
        const refused = await this.docker('network', 'rm', name).catch((error) => String(error));
        const listed = await this.docker('network', 'ls', '--filter', `name=^${name}$`, '--quiet');
        return listed === '' || `${listed.trim()} is still listed: ${refused}`;
      },
      { limitMs: stateMaxMs },
    );
    this.#networks.delete(name);
  }

  async update(name: string, ...options: readonly string[]): Promise<void> {
    await this.docker('service', 'update', '--no-resolve-image', '--detach', ...options, name);
  }

  /** Publishes the service on exactly these ports, all leading to one, in one request. */
  async publish(id: string, published: readonly number[], target: number): Promise<void> {
    const { engine } = this.cluster.manager;
    const Ports = published.map((PublishedPort) => ({ PublishedPort, TargetPort: target, Protocol: 'tcp' }));
    const EndpointSpec = { Mode: 'vip', Ports };
    // Swarm changes a service itself while it assigns ports; an update that was overtaken is refused, and made again.
    await until(
      `service ${id} to be updated`,
      async () => {
        const { Version, Spec } = (await engine.get(`/services/${id}`)) as { Version: { Index: number }; Spec: object };
        await engine.post(`/services/${id}/update?version=${Version.Index}`, { ...Spec, EndpointSpec });
        return true;
      },
      { limitMs: 10_000 },
    );
  }

  /** Starts to watch what changes in Fairway's table on a node. */
  monitor(node: ClusterNode): Promise<RuleMonitor> {
    return RuleMonitor.start(node);
  }

  /** A node loses power, and with it what asks from there: it has another network namespace when it is back. */
  async cutPower({ name, namespace }: ClusterNode): Promise<void> {
    this.#probers.get(namespace)?.close();
    this.#probers.delete(namespace);
    await this.cluster.cutPower(name);
  }

  async remove(name: string): Promise<void> {
    await this.docker('service', 'rm', name);
    this.#created.delete(name);
  }

  async removeServices(): Promise<void> {
    for (const name of [...this.#created]) await this.remove(name).catch(() => {});
  }

  async removeNetworks(): Promise<void> {
    for (const name of [...this.#networks]) await this.removeNetwork(name);
  }

  /** Ends what makes connections for the test. */
  close(): void {
    for (const prober of this.#probers.values()) prober.close();
    this.#probers.clear();
  }

  #prober(namespace: string): Prober {
    const prober = this.#probers.get(namespace) ?? new Prober(namespace);
    this.#probers.set(namespace, prober);
    return prober;
  }

  /** What the service's running tasks answer with: their containers' host names. */
  async names(service: string): Promise<string[]> {
    return (await this.tasks(service)).map(({ container }) => `I'm ${container.slice(0, 12)}`).sort();
  }

  /** The service's running tasks. */
  async tasks(service: string): Promise<{ id: string; node: string; container: string }[]> {
    const filters = encodeURIComponent(JSON.stringify({ service: [service], 'desired-state': ['running'] }));
    const tasks = (await this.cluster.manager.engine.get(`/tasks?filters=${filters}`)) as {
      ID: string;
      NodeID: string;
      Status: { State: string; ContainerStatus?: { ContainerID: string } };
    }[];
    return tasks
      .filter(({ Status }) => Status.State === 'running')
      .map(({ ID, NodeID, Status }) => ({
        id: ID,
        node: NodeID,
        container: Status.ContainerStatus?.ContainerID ?? '',
      }));
  }

  /** The service's virtual IP on a network, by its id; without it on the first of its networks, of which ingress is one. */
  async vip(service: string, network?: string): Promise<string> {
    const address = network === undefined ? '{{.Addr}} ' : `{{if eq .NetworkID "${network}"}}{{.Addr}}{{end}}`;
    const format = `{{range .Endpoint.VirtualIPs}}${address}{{end}}`;
    return (await this.docker('service', 'inspect', '--format', format, service)).trim().split('/')[0] ?? '';
  }

  /** A shell line in a container, and what it prints. */
  async inside(
    { node, container }: { node: string; container: string },
    line: string,
    limitMs = stateMaxMs,
  ): Promise<string> {
    const socket = this.nodes.find(({ swarmNodeId }) => swarmNodeId === node)?.socket ?? this.cluster.manager.socket;
    return run(['docker', '-H', `unix://${socket}`, 'exec', container, 'sh', '-c', line], { limitMs });
  }

  /** Waits until so many tasks of the service run, and returns them. */
  async running(service: string, tasks: number): Promise<Awaited<ReturnType<Swarm['tasks']>>> {
    let found: Awaited<ReturnType<Swarm['tasks']>> = [];
    await until(
      `${tasks} tasks of ${service} to run`,
      async () => {
        found = await this.tasks(service);
        return found.length === tasks || `${found.length} run`;
      },
      { limitMs: stateMaxMs },
    );
    return found;
  }

  /** Waits until what a container asks of `host:port`, again and again, is answered by just these, and by each. */
  async answersInside(
    from: { node: string; container: string },
    target: string,
    names: readonly string[],
    carrier: Asked['carrier'] = 'tcp',
  ): Promise<void> {
    const asks =
      carrier === 'tcp'
        ? `timeout 3 wget -q -O - http://${target}/`
        : `echo hello | socat -t 1 - UDP4:${target} | cut -d : -f 1`;
    const line = `(for turn in $(seq ${12 * names.length}); do (${asks} || echo failed) & done; wait) 2>&1 | sort -u`;
    await until(
      `${names.join(', ')} to answer at ${target}/${carrier} inside ${from.container.slice(0, 12)}`,
      async () => {
        const said = (await this.inside(from, line)).trim();
        return said === [...names].sort().join('\n') || `answered by ${said.replaceAll('\n', ', ')}`;
      },
      { limitMs: stateMaxMs },
    );
  }

  /** Calls of `host:port` that a container makes one after the other; their end tells what answered, and what failed. */
  callsInside(from: { node: string; container: string }, target: string): { end(): Promise<string[]> } {
    const call = `timeout ${3 * patience()} wget -q -O - http://${target}/ || echo failed; sleep 0.2`;
    const called = this.inside(from, `while [ ! -e /over ]; do ${call}; done 2>&1 | sort -u`, patience() * stateMaxMs);
    // A test that fails before has told why.
    called.catch(() => {});
    return {
      end: async () => {
        await this.inside(from, 'touch /over');
        return (await called).trim().split('\n');
      },
    };
  }

  /** Everywhere that a port has to answer: each node's address from outside, and 127.0.0.1 on each node. */
  places(port: number): { readonly namespace: string; readonly target: string }[] {
    return this.nodes.flatMap((node) => [
      { namespace: this.cluster.client.namespace, target: `${node.address}:${port}` },
      { namespace: node.namespace, target: `127.0.0.1:${port}` },
    ]);
  }

  /** Waits until every running task of the service, and nothing else, answers on the port everywhere. */
  async answers(service: string, port: number, tasks = 1, carrier: Asked['carrier'] = 'tcp'): Promise<void> {
    await until(
      `${tasks} tasks of ${service} to answer at ${port}/${carrier} everywhere`,
      async () => {
        const names = await this.names(service);
        if (names.length !== tasks) return `${names.length} tasks run`;
        const asked = { carrier, count: 8 * tasks, atOnce: 4 };
        for (const { namespace, target, result } of await this.#probePlaces(port, asked)) {
          const { answers, failures } = result;
          const strangers = Object.keys(answers).filter((answer) => !names.includes(answer));
          const silent = names.filter((name) => !(name in answers));
          if (Object.keys(failures).length > 0)
            return `${target} from ${namespace} failed: ${JSON.stringify(failures)}`;
          if (strangers.length > 0) return `${target} from ${namespace} was answered by ${strangers}`;
          if (silent.length > 0) return `${target} from ${namespace} was not answered by ${silent}`;
        }
        return true;
      },
      { limitMs: stateMaxMs },
    );
  }

  /** Waits until the port is refused everywhere; each refusal has to come at once. */
  async refused(port: number, carrier: Asked['carrier'] = 'tcp'): Promise<void> {
    await until(
      `${port}/${carrier} to be refused everywhere`,
      async () => {
        for (const { namespace, target, result } of await this.#probePlaces(port, { carrier, count: 4 })) {
          if (result.failures.ECONNREFUSED !== 4) return `${target} from ${namespace}: ${JSON.stringify(result)}`;
          if (result.slowestMs > refusalMaxMs) return `${target} from ${namespace} took ${result.slowestMs} ms`;
        }
        return true;
      },
      { limitMs: stateMaxMs, ...(carrier === 'udp' ? { everyMs: betweenUdpRefusalsMs } : {}) },
    );
  }

  /** Waits until the port is refused by these nodes, from outside. */
  async refusedBy(nodes: readonly ClusterNode[], port: number): Promise<void> {
    const targets = nodes.map(({ address }) => `${address}:${port}`);
    await until(
      `${port} to be refused by ${nodes.map(({ name }) => name).join(' and ')}`,
      async () => {
        const result = await this.probe({ carrier: 'tcp', targets, count: 4 * targets.length });
        return result.failures.ECONNREFUSED === 4 * targets.length || JSON.stringify(result);
      },
      { limitMs: stateMaxMs },
    );
  }

  /** Waits until so many tasks, and nothing else, answer by these nodes. */
  async answeredBy(nodes: readonly ClusterNode[], port: number, tasks: number): Promise<void> {
    const targets = nodes.map(({ address }) => `${address}:${port}`);
    await until(
      `${tasks} tasks to answer at ${port} by ${nodes.map(({ name }) => name).join(' and ')}`,
      async () => {
        const result = await this.probe({ carrier: 'tcp', targets, count: 16 * targets.length, atOnce: 4 });
        const all = Object.keys(result.failures).length === 0 && Object.keys(result.answers).length === tasks;
        return all || JSON.stringify(result);
      },
      { limitMs: stateMaxMs },
    );
  }

  /** Connections from outside. */
  probe(asked: Asked): Promise<ProbeResult> {
    return this.#prober(this.cluster.client.namespace).probe(asked);
  }

  #probePlaces(port: number, asked: Omit<Asked, 'targets'>) {
    return Promise.all(
      this.places(port).map(async ({ namespace, target }) => {
        return { namespace, target, result: await this.#prober(namespace).probe({ ...asked, targets: [target] }) };
      }),
    );
  }

  /** Connections from outside that go on, through all nodes in turn. */
  traffic(port: number, atOnce = 4): Traffic {
    const targets = this.nodes.map((node) => `${node.address}:${port}`);
    return this.#prober(this.cluster.client.namespace).startTraffic({ carrier: 'tcp', targets, atOnce });
  }

  /** Fairway's command, where an outside client is. */
  async fairway(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return this.cluster.client.exec([`${this.cluster.binDir}/fairway`, ...args]);
  }

  /** `fairway wait`, on a slow machine for longer. */
  /** What a node finds, one line each, as `fairway audit` or `fairway doctor` tells it, and the exit status. */
  async examine(question: 'audit' | 'doctor', node: ClusterNode): Promise<Examined> {
    const { status, stdout, stderr } = await this.fairway(question, node.name, '--json');
    const {
      looked = [],
      findings,
      unable,
      error,
    }: Partial<NodeExamination & { error: string }> = JSON.parse(stdout || '{}');
    if (!findings) throw new Error(`no ${question} of ${node.name}: ${error ?? stderr}`);
    const lines = findings.map(({ kind, where, what }) => `${kind}, ${where}: ${what}`);
    return { status, looked, findings: lines, unable };
  }

  wait(service: string) {
    const timeout = `${(stateMaxMs / 1000) * patience()}`;
    return this.fairway('wait', '--service', service, '--timeout', timeout, '--steady', `${patience()}`);
  }

  /** What `fairway status --json` prints, from where it has it: a process of Node for each look would slow all else. */
  async status(): Promise<View> {
    return JSON.parse(await this.cluster.status()) as View;
  }

  /** Waits until the view is as wanted. `wanted` returns true, or what is missing. */
  async view(what: string, wanted: (view: View) => true | string): Promise<View> {
    let view: View | undefined;
    await until(
      what,
      async () => {
        view = await this.status();
        return wanted(view);
      },
      // A look is a process, and a view that the console makes.
      { limitMs: stateMaxMs, everyMs: 200 },
    );
    if (!view) throw new Error(what);
    return view;
  }

  /** Waits until every node has applied everything. */
  converged(): Promise<View> {
    return this.view('Fairway to be converged', (view) => view.converged || JSON.stringify(view.pending));
  }

  /** Waits until nothing that is waited for is about these, whatever other tests that run beside wait for. */
  settled(...names: readonly string[]): Promise<View> {
    return this.view(`nothing to be waited for by ${names.join(', ')}`, ({ pending }) => {
      const own = pending.filter(({ about, why }) => names.some((name) => `${about} ${why}`.includes(name)));
      return own.length === 0 || JSON.stringify(own);
    });
  }

  /** What a node itself says of a port that it serves. */
  async explanation(node: string, port: number): Promise<Explanation> {
    const { stdout } = await this.fairway('explain', `${node}:${port}`, '--json');
    return JSON.parse(stdout);
  }

  /** Waits until a node itself says that it serves the port. */
  async explains(node: string, port: number): Promise<void> {
    await until(
      `${node} to explain ${port}`,
      async () => {
        const { status, stdout, stderr } = await this.fairway('explain', `${node}:${port}`);
        return status === 0 || `${stdout}${stderr}`;
      },
      { limitMs: stateMaxMs },
    );
  }

  /**
   * Waits until `fairway status` ends with 0, and returns what it prints. Convergence seen once may be followed by one
   * more revision, as the managers confirm what the nodes have said.
   */
  async convergedStatus(): Promise<string> {
    let printed = '';
    await until(
      'fairway status to end with 0',
      async () => {
        const { status, stdout } = await this.fairway('status');
        printed = stdout;
        return status === 0 || stdout;
      },
      { limitMs: stateMaxMs },
    );
    return printed;
  }

  /** Fairway's table on the node, or in its ingress sandbox. */
  async table(node: ClusterNode, sandbox?: string): Promise<string> {
    const command = ['nft', 'list', 'table', 'inet', 'fairway'];
    const { stdout, stderr } = await (sandbox ? node.execSandbox(sandbox, command) : node.exec(command));
    return stdout || stderr;
  }

  /** The mesh, the rules and the last words of every part: what one needs to see why a test failed. */
  async story(): Promise<string> {
    const parts: string[] = [`--- fairway status\n${(await this.fairway('status')).stdout}`];
    for (const node of this.nodes) {
      parts.push(`--- rules of ${node.name}\n${await this.table(node)}`);
      parts.push(`--- rules in ingress_sbox of ${node.name}\n${await this.table(node, 'ingress_sbox')}`);
    }
    for (const part of [...this.deciders, ...this.nodes.map(({ name }) => this.cluster.process(name))])
      parts.push(`--- outcomes and log of ${part.name}\n${part.log(30)}`);
    for (const { name } of this.nodes) {
      const lines = this.cluster.process(`${name}.dockerd`).log(gossipAmong).split('\n');
      parts.push(
        `--- what dockerd of ${name} says of the others\n${lines.filter((line) => gossip.test(line)).join('\n')}`,
      );
    }
    return parts.join('\n');
  }
}

/** A node whose gossip takes another for lost has no way to its tasks, whatever the rules are. */
const gossip = /memberlist|NetworkDB|networkdb|node join event|node leave event/i;
/** So many of the last lines are looked through. */
const gossipAmong = 400;

/**
 * Linux sends a client six ICMP refusals at once and then one a second (icmp(7), icmp_ratelimit; measured). A look that
 * misses one takes three seconds, in which not all that the next one needs are allowed again: without a pause none would
 * ever see all of them.
 */
const betweenUdpRefusalsMs = 2_000;

/** A packet that is dropped instead of refused is noticed after a second at the earliest, when SYN is sent again. */
const refusalMaxMs = 900;
