import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from '@fairway/bus';
import {
  type Cluster,
  type ClusterNode,
  type ClusterProcess,
  fairwayConverged,
  imageName,
  patience,
  run,
  until,
} from '@fairway/cluster';
import { Apart } from './apart.ts';
import type { Notes } from './notes.ts';
import { haveEachOther, overlayWays } from './rules/overlay-ways.ts';
import { wrongRules } from './rules/wrong-rules.ts';

/**
 * What answers the traffic, and another service that changes meanwhile. No node has more than two of the first one's four
 * tasks: with any node away and one more task at its end there is still one to answer.
 */
export const steady = { name: 'steady', port: 8000, replicas: 4, perNode: 2 } as const;
export const restless = { name: 'restless', port: 8001, replicas: 2 } as const;

/** Both are on it. Small, so that an address is soon given to another task. */
export const network = 'back';
const subnet = '10.98.0.0/27';
/** A container is ill where it has this file. */
export const illness = '/tmp/ill';
const healthCheck = `test ! -e ${illness} && wget -q -O /dev/null http://127.0.0.1:8000/`;
/** Each look is three programs of Docker's that start: on an emulated machine six tasks' would take all of its time. */
const healthEveryMs = 500 * patience();

/** On two cores a node that boots takes half a minute, and Docker 15 s to see one lost. */
const stateMaxMs = 120_000;
/** With three nodes it is ten times that two exchange what they have, give or take. */
const gossipMaxMs = 300_000;
/** It takes a node for lost so long after it was back, at most. */
const gossipLateMs = 2_000;
/** Fairway sees a way that is there again, and has a node answer an echo, within so long on a busy machine. */
const seenMs = 5_000;
/** What is waited for longer than this is told. */
const tellEveryMs = 10_000;

/** Milliseconds since 1970, to be held against those of other processes. */
export const nowMs = () => performance.timeOrigin + performance.now();

/** What carries the requests: Fairway, or Docker's own mesh without it. */
export type Mesh = 'fairway' | 'docker';

type Options = {
  readonly cluster: Cluster;
  readonly mesh: Mesh;
  /** Whether requests may be bad only where a scenario says so. */
  readonly isJudged: boolean;
  /** What a scenario chooses by. */
  readonly chance: Chance;
  /** Where it is noted what strikes, and who is absent. */
  readonly notes: Notes;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Where scenarios happen: a real swarm, and what can be done to it. */
export class Stage {
  readonly cluster: Cluster;
  readonly chance: Chance;
  readonly mesh: Mesh;
  readonly isJudged: boolean;
  readonly notes: Notes;
  readonly #say: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #dropping = new Set<ClusterNode>();

  constructor({ cluster, mesh, isJudged, chance, notes, say, signal }: Options) {
    this.notes = notes;
    this.cluster = cluster;
    this.mesh = mesh;
    this.isJudged = isJudged;
    this.chance = chance;
    this.#say = say;
    this.#signal = signal;
  }

  get nodes(): readonly ClusterNode[] {
    return this.cluster.nodes;
  }

  /** One of the swarm's workers. */
  worker(): ClusterNode {
    const worker = this.chance.pick(this.nodes.filter(({ role }) => role === 'worker'));
    if (!worker) throw new Error('the swarm has no worker');
    return worker;
  }

  /** One of a service's processes: of both deciders, sentinels or consoles, one. */
  replica(service: string): ClusterProcess {
    const replica = this.chance.pick(this.cluster.processes.filter(({ name }) => name.startsWith(service)));
    if (!replica) throw new Error(`the cluster has no ${service}`);
    return replica;
  }

  /** Tells that something is about to strike: for so long requests may be bad because of it. */
  strike(what: string, badMaxMs = 0): void {
    this.#signal.throwIfAborted();
    this.#say(what);
    this.notes.addBlow({ what, atMs: nowMs(), badMaxMs });
  }

  /**
   * While the work goes on, and until Docker's overlay has the node again after it, nobody can expect an answer by that node; then
   * it has to answer. Docker's gossip forgets all of a node that it lost, on both sides, and learns it again when the two exchange all
   * they have: each node with one other every 30 s (libnetwork networkdb/cluster.go). Until then none of its packets reaches the
   * others, or none of theirs comes back. Fairway looks for that each second; some seconds later it is judged again. Where two others
   * lost each other by it, the same goes for both of them.
   */
  async without(node: ClusterNode, work: () => Promise<void>): Promise<void> {
    const absence = { address: node.address, fromMs: nowMs(), toMs: Number.POSITIVE_INFINITY };
    this.notes.addAbsence(absence);
    try {
      await work();
      await this.#whole(node.name);
    } finally {
      absence.toMs = nowMs() + seenMs;
    }
    await this.#answers(node.address);
  }

  pause(forMs: number): Promise<void> {
    return pause(forMs, undefined, { signal: this.#signal });
  }

  /** Waits until it is so; while that takes long it tells what is lacking. */
  until(what: string, look: () => Promise<true | string>, limitMs = stateMaxMs): Promise<unknown> {
    let saidMs = nowMs();
    const lookAndTell = async () => {
      const seen = await look();
      if (seen !== true && nowMs() - saidMs >= tellEveryMs * patience()) {
        this.#say(`waiting for ${what}: ${seen}`);
        saidMs = nowMs();
      }
      return seen;
    };
    return until(what, lookAndTell, { limitMs, everyMs: 200, signal: this.#signal });
  }

  /** Docker's command on the manager. */
  async docker(...args: readonly string[]): Promise<string> {
    return run(['docker', '-H', `unix://${this.cluster.manager.socket}`, ...args]);
  }

  /** A shell line on the switch between the nodes, which has to succeed. */
  async onSwitch(line: string): Promise<void> {
    const { status, stderr } = await this.cluster.client.exec(line);
    if (status !== 0) throw new Error(`${line}: ${stderr.trim()}`);
  }

  /** A shell line on a node, which has to succeed. */
  async on(node: ClusterNode, line: string): Promise<string> {
    const { status, stdout, stderr } = await node.exec(line);
    if (status !== 0) throw new Error(`${node.name}: ${line}: ${stderr.trim()}`);
    return stdout;
  }

  /** From now on a node drops what matches an expression of nft's, where the hook of an ip filter chain sees it. */
  async drop(node: ClusterNode, hook: string, match: string): Promise<void> {
    this.#dropping.add(node);
    const chain = `add chain ip chaos drops { type filter hook ${hook}; }`;
    await this.on(node, `nft 'add table ip chaos; ${chain}; add rule ip chaos drops ${match} drop'`);
  }

  /** It drops nothing any more. */
  async dropNothing(node: ClusterNode): Promise<void> {
    await this.on(node, 'nft delete table ip chaos');
    this.#dropping.delete(node);
  }

  /** What a scenario that failed left broken is no misfortune of the next one. */
  async mend(): Promise<void> {
    for (const node of this.#dropping) await this.dropNothing(node).catch(() => {});
    for (const { name } of this.nodes) await this.onSwitch(`ip link set ${name} up`).catch(() => {});
  }

  /** Ids of the containers of a service's tasks on a node. */
  async containers({ socket }: ClusterNode, service: string): Promise<readonly string[]> {
    const filter = `label=com.docker.swarm.service.name=${service}`;
    const listed = await run(['docker', '-H', `unix://${socket}`, 'ps', '--quiet', '--no-trunc', '--filter', filter]);
    return listed.split('\n').filter(Boolean);
  }

  /** Creates the services that all scenarios begin with. */
  async deploy(): Promise<void> {
    await this.docker('network', 'create', '--driver', 'overlay', '--subnet', subnet, network);
    for (const { name, port, replicas } of [steady, restless]) {
      await this.docker(
        ...['service', 'create', '--no-resolve-image', '--detach', '--name', name, '--replicas', `${replicas}`],
        ...['--publish', `${port}:8000`, '--network', network, '--restart-delay', '0s', '--update-monitor', '1s'],
        ...['--health-cmd', healthCheck, '--health-interval', `${healthEveryMs}ms`, '--health-retries', '2'],
        ...(name === steady.name ? ['--replicas-max-per-node', `${steady.perNode}`] : []),
        ...[imageName, 'serve-many'],
      );
    }
    await this.healed();
  }

  /**
   * Waits until Docker has what it wants and every node answers, and where Fairway runs all of the bus is on each server, all
   * nodes have applied it, and their rules are what Docker's listing makes them.
   */
  async healed(): Promise<void> {
    await this.until('Docker to have what it wants', () => this.#isDockerSettled());
    for (const { address } of this.nodes) await this.#answers(address);
    if (this.mesh === 'docker') return;
    await this.until('all of the bus to be on each of its servers', async () => {
      const lacks = await this.cluster.busLacks();
      return lacks.length === 0 || lacks.join('; ');
    });
    await fairwayConverged(this.cluster, { limitMs: stateMaxMs, signal: this.#signal });
    await this.until("every node's rules to be those of Docker's listing", async () => {
      const wrong = await wrongRules(this.cluster);
      return wrong.length === 0 || wrong.join('; ');
    });
  }

  /** Waits until Docker's overlay has all nodes again. */
  async #whole(away: string): Promise<void> {
    const apart = new Apart(this.notes, seenMs, nowMs());
    const isWhole = () =>
      this.until("Docker's overlay to have all nodes again", () => this.#isWhole(away, apart), gossipMaxMs);
    try {
      await isWhole();
      // Docker may be about to take one for lost: for what was away for 4 s.
      await this.pause(gossipLateMs);
      await isWhole();
    } finally {
      apart.found(new Set(), nowMs());
    }
  }

  /** Whether all nodes have each other; by the name of who was away: a machine that has booted is another one to the cluster. */
  async #isWhole(away: string, apart: Apart): Promise<true | string> {
    const lookMs = nowMs();
    const seen = await Promise.all(this.nodes.map(async (node) => ({ node, ways: await overlayWays(node, []) })));
    const lacking = seen.flatMap((one, n) =>
      seen.slice(n + 1).flatMap((other) => (haveEachOther(one.ways, other.ways) ? [] : [[one.node, other.node]])),
    );
    const others = lacking.filter((pair) => pair.every(({ name }) => name !== away));
    apart.found(new Set(others.flat().map(({ address }) => address)), lookMs);
    if (lacking.length === 0) return true;
    return lacking.map((pair) => `${pair.map(({ name }) => name).join(' and ')} do not have each other`).join('; ');
  }

  async #answers(address: string): Promise<void> {
    const asking = ['curl', '-sSf', '-m', '1', '-o', '/dev/null', `http://${address}:${steady.port}/`];
    await this.until(`${address} to answer`, async () => {
      const { status, stderr } = await this.cluster.client.exec(asking);
      return status === 0 || stderr.trim();
    });
  }

  async #isDockerSettled(): Promise<true | string> {
    const away = (await this.docker('node', 'ls', '--format', '{{.Hostname}} {{.Status}}'))
      .split('\n')
      .filter((line) => line && !line.endsWith(' Ready'));
    if (away.length > 0) return away.join(', ');
    const replicas = await this.docker('service', 'ls', '--format', '{{.Name}} {{.Replicas}}');
    const lacking = replicas.split('\n').filter((line) => /(\d+)\/(?!\1\b)/.test(line));
    if (lacking.length > 0) return lacking.join(', ');
    const updates = await this.docker(
      ...['service', 'inspect', '--format', '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}'],
      ...[steady.name, restless.name],
    );
    return !updates.includes('updating') || 'an update goes on';
  }
}
