import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Cluster, type ClusterNode, fairwayConverged, imageName, run, tracesUrl } from '@fairway/cluster';
import { receiveTraces } from '@fairway/trace-receiver';
import { listen } from '@fairway/traffic';
import { meshLeader } from './bus-leader.ts';
import type { Measuring } from './measuring.ts';
import { percentile } from './percentile.ts';
import { untilServing } from './serving.ts';
import { type Span, spanOf } from './span.ts';

const port = 8000;
const service = 'everywhere';
/** Each worker has a service too whose only task it runs, which Docker gives to no other node. */
const lonePort = 8001;
const loneOf = (node: string) => `only-${node}`;
const limitMs = 120_000;
/** For so long connections are made after a loss; what went to the lost node is told by then. */
const watchedMs = 6_000;

/** What a connection came to that was not answered at once. */
type Flow = {
  readonly target: string;
  readonly startMs: number;
  readonly what: 'lost' | 'refused' | 'answered late' | 'ended without an answer';
};

/** One loss; milliseconds after the cable was pulled. */
type Trial = {
  readonly node: string;
  /** Whether its server led the mesh's bucket. */
  readonly led: boolean;
  readonly missed: number;
  readonly probed: number;
  readonly broadcast: number;
  readonly applied: number;
  /** When the last connection was begun that went to the lost node; 0 where none did. */
  readonly lastFlow: number;
  /** How many did. */
  readonly lost: number;
  readonly refused: number;
  /** When the last connection to a service whose only task was there was begun that was not refused at once. */
  readonly lastLone: number;
  /** How many that were begun after it never came to an answer, though their SYNs were sent again. */
  readonly unanswered: number;
  /** Connections to its tasks that the others still track, and are not closed. */
  readonly tracked: number;
};

/**
 * A worker loses power, again and again, while an outside client opens a hundred connections a second by each of the other
 * nodes to a service with a task on every node, and as many to one whose only task is on the node that is lost.
 */
export async function measurePowerLoss(cluster: Cluster, { trials, report, signal }: Measuring): Promise<string> {
  const docker = (...args: readonly string[]) => run(['docker', '-H', `unix://${cluster.manager.socket}`, ...args]);
  const workers = cluster.nodes.filter(({ role }) => role === 'worker').map(({ name }) => name);
  const loneAt = (name: string) => lonePort + workers.indexOf(name);
  const { spans, end: endReceiving } = await receiveTraces(cluster.client.namespace, tracesUrl);
  const settled = () => fairwayConverged(cluster, { limitMs, signal });
  await settled();
  const create = ['service', 'create', '--no-resolve-image', '--detach'];
  await docker(...create, '--name', service, '--mode', 'global', '--publish', `${port}:${port}`, imageName);
  for (const name of workers) {
    const there = ['--constraint', `node.hostname==${name}`];
    await docker(...create, '--name', loneOf(name), ...there, '--publish', `${loneAt(name)}:${port}`, imageName);
  }
  await allServe();

  const all: Trial[] = [];
  try {
    for (let n = 0; n < trials; n += 1) {
      signal.throwIfAborted();
      const leader = await meshLeader(cluster, n % 2 === 0 ? workers : undefined, signal);
      const name = n % 2 === 0 ? leader : (workers[n % workers.length] ?? '');
      await settled();
      const trial = await lose(name, leader === name);
      all.push(trial);
      report(`${n + 1} of ${trials}: ${show(trial)}`);
      await cluster.restorePower(name);
      await allServe();
      await settled();
    }
  } finally {
    await endReceiving();
  }
  return tableOf(all);

  async function allServe(): Promise<void> {
    await untilServing(cluster, service, cluster.nodes.length, { limitMs, signal });
    for (const name of workers) await untilServing(cluster, loneOf(name), 1, { limitMs, signal });
  }

  async function lose(name: string, led: boolean): Promise<Trial> {
    const node = cluster.node(name);
    const others = cluster.nodes.filter((one) => one.name !== name);
    const addresses = await taskAddresses(cluster, node);
    const flows: Flow[] = [];
    const flowing = listen(
      cluster.clientArgv([
        process.execPath,
        fileURLToPath(new URL('open-flows.ts', import.meta.url)),
        ...others.flatMap(({ address }) => [`${address}:${port}`, `${address}:${loneAt(name)}`]),
      ]),
      (line) => flows.push(JSON.parse(line) as Flow),
    );
    try {
      await pause(1_000);
      const cutMs = performance.timeOrigin + performance.now();
      await cluster.cutPower(name);
      await pause(watchedMs);
      const tracked = await Promise.all(others.map((other) => trackedTo(other, addresses)));
      const told = flows.filter(({ startMs }) => startMs >= cutMs - 500);
      const since = told.filter(({ target }) => target.endsWith(`:${port}`));
      const lone = told.filter(({ target }) => !target.endsWith(`:${port}`));
      const lost = since.filter(({ what }) => what === 'lost');
      const last = (of: readonly Flow[]) => Math.max(0, ...of.map(({ startMs }) => startMs - cutMs));
      const judge = spans.map(spanOf).find((span) => span.name === 'judge' && span.startMs > cutMs && isOf(span, node));
      return {
        node: name,
        led,
        ...phases(judge, cutMs, others),
        lastFlow: last(lost),
        lost: lost.length,
        // Without a refusal the port was not served before, or is not refused now.
        lastLone: lone.some(({ what }) => what === 'refused')
          ? last(lone.filter(({ what }) => what === 'lost'))
          : Number.NaN,
        refused: since.filter(({ what }) => what === 'refused').length,
        // One that was open to it already is lost with it.
        unanswered: since.filter(({ what, startMs }) => what === 'ended without an answer' && startMs > cutMs).length,
        tracked: tracked.reduce((sum, count) => sum + count, 0),
      };
    } finally {
      flowing.stop();
    }
  }

  function phases(judge: Span | undefined, cutMs: number, others: readonly ClusterNode[]) {
    const applies = spans
      .filter(({ name, startTimeUnixNano }) => name === 'apply' && Number(startTimeUnixNano) / 1e6 > cutMs)
      .map(spanOf);
    // The first change on each of the others: nothing else happens at the time.
    const firsts = others.map(
      ({ swarmNodeId }) =>
        applies.find(({ attributes }) => attributes['fairway.node'] === swarmNodeId)?.endMs ?? Number.NaN,
    );
    return {
      missed: (judge?.startMs ?? Number.NaN) - cutMs,
      probed: (judge?.eventsMs.judged ?? Number.NaN) - cutMs,
      broadcast: (judge?.endMs ?? Number.NaN) - cutMs,
      applied: Math.max(...firsts) - cutMs,
    };
  }
}

function isOf({ attributes }: Span, { swarmNodeId }: ClusterNode): boolean {
  return attributes['fairway.node'] === swarmNodeId;
}

/** The addresses of the node's tasks on the ingress network. */
async function taskAddresses(cluster: Cluster, { swarmNodeId }: ClusterNode): Promise<readonly string[]> {
  const view = JSON.parse(await cluster.status()) as {
    services: { endpoints: { node: string; addresses: string[]; state: string }[] }[];
  };
  const endpoints = view.services.flatMap((held) => held.endpoints);
  return endpoints
    .filter(({ node, state }) => node === swarmNodeId && state === 'serving')
    .flatMap((one) => one.addresses);
}

/**
 * How many connections to these addresses a node tracks in its ingress sandbox; one that is closed leads nobody there, and a SYN
 * makes a new one of it (kernel, nf_conntrack_proto_tcp.c).
 */
async function trackedTo(node: ClusterNode, addresses: readonly string[]): Promise<number> {
  const { stdout } = await node.execSandbox('ingress_sbox', 'conntrack -L 2>/dev/null');
  const open = stdout.split('\n').filter((line) => !/ (?:TIME_WAIT|CLOSE) /.test(line));
  return open.filter((line) => addresses.some((address) => line.includes(`src=${address} `))).length;
}

function show({
  node,
  led,
  missed,
  probed,
  broadcast,
  applied,
  lastFlow,
  lost,
  lastLone,
  refused,
  unanswered,
  tracked,
}: Trial): string {
  const [m, p, b, a] = [missed, probed, broadcast, applied].map((ms) => ms.toFixed(0));
  const who = `${node}${led ? ', which led the bucket' : ''}`;
  return `${who}: missed ${m}, probed ${p}, broadcast ${b}, applied ${a} ms; last connection to it begun after ${lastFlow.toFixed(0)} ms, ${lost} in all, and to its only task after ${lastLone.toFixed(0)} ms; ${refused} refused, ${unanswered} without an answer, ${tracked} still tracked`;
}

function tableOf(trials: readonly Trial[]): string {
  const rows = [
    ['missed: a sentinel has missed three beats', 'missed'],
    ['probed: its peers do not reach it', 'probed'],
    ['broadcast: the verdict is said', 'broadcast'],
    ['applied: the rules of the slowest node are set', 'applied'],
    ['the last new connection that went to it was begun', 'lastFlow'],
    ['the last that was not refused, to a service whose only task it ran', 'lastLone'],
  ] as const;
  const lines = rows.map(([says, key]) => {
    const of = (some: readonly Trial[]) => some.map((trial) => trial[key]);
    const led = trials.filter((trial) => trial.led);
    const shown = [percentile(of(trials), 50), Math.max(...of(trials)), Math.max(...of(led))].map((ms) =>
      ms.toFixed(0),
    );
    return `| ${says} | ${shown.join(' | ')} |`;
  });
  const sum = (key: 'lost' | 'refused' | 'unanswered' | 'tracked') =>
    trials.reduce((all, trial) => all + trial[key], 0);
  const led = trials.filter((trial) => trial.led).length;
  return `${trials.length} losses of power, of which ${led} were of the node whose server led the mesh's bucket. Milliseconds after the cable was pulled; an outside client opened 100 connections a second by each of the two other nodes to a service with a task on every node, and as many to one whose only task ran there.

| | p50 | worst | worst with the leader |
| --- | --- | --- | --- |
${lines.join('\n')}

${sum('lost')} connections had no answer within 500 ms, of those begun after the loss ${sum('unanswered')} none within 4 s; ${sum('refused')} were refused, and ${sum('tracked')} to the lost node's tasks were still tracked 6 s later.
`;
}
