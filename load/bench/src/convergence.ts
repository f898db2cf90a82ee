import { fileURLToPath } from 'node:url';
import { type Cluster, fairwayConverged, imageName, lanAddress, run, until } from '@fairway/cluster';
import { listen } from './lines.ts';
import type { Measuring } from './measuring.ts';
import { readSpan, type Span } from './span.ts';
import { type Stages, stagesOf, stageTable } from './stages.ts';

const port = 8000;
/** Where spans are sent to, on the cluster's LAN; OTLP/HTTP's usual port. */
export const spansPort = 4318;
const service = 'measured';
const limitMs = 60_000;
/** A kernel's word and a process's stamp of the same change are told apart by no more than a busy machine's delays. */
const monitorMaxMs = 100;

type Kind = 'start' | 'die';
type Change = {
  readonly kind: Kind;
  /** Docker's own time of the container's event. */
  readonly eventMs: number;
  /** When the last of the nodes answered, or refused, an outside client for the first time after it. */
  readonly answeredMs: number;
};

/**
 * Scales a service of one published port from no task to one and back, and measures each container's start and death:
 * by the traces that Fairway exports, by connections through every node, and against what `nft monitor` hears.
 */
export async function measureConvergence(cluster: Cluster, { changes, report, signal }: Measuring): Promise<string> {
  const docker = (...args: readonly string[]) => run(['docker', '-H', `unix://${cluster.manager.socket}`, ...args]);
  const program = (file: string, ...args: readonly string[]) =>
    cluster.clientArgv([process.execPath, fileURLToPath(new URL(file, import.meta.url)), ...args]);
  const spans: Span[] = [];
  const events: { kind: Kind; container: string; atMs: number }[] = [];
  const answers = new Map<string, { state: string; atMs: number }>();
  const heardMs = new Map<string, number[]>();

  await fairwayConverged(cluster, { limitMs, signal });
  const id = (
    await docker(
      ...['service', 'create', '--no-resolve-image', '--detach', '--name', service, '--replicas', '0'],
      ...['--publish', `${port}:${port}`, imageName],
    )
  ).trim();
  await fairwayConverged(cluster, { limitMs, signal });

  const targets = cluster.nodes.map((node) => `${node.address}:${port}`);
  const speakers = [
    listen(program('receive-spans.ts', lanAddress, String(spansPort)), (line) => spans.push(readSpan(line))),
    listen(program('watch-port.ts', ...targets), (line) => {
      const { target, state, atMs } = JSON.parse(line) as { target: string; state: string; atMs: number };
      answers.set(target, { state, atMs });
    }),
    ...cluster.nodes.map(({ socket }) =>
      listen(
        ['docker', '-H', `unix://${socket}`, 'events', '--filter', 'type=container', '--format', '{{json .}}'],
        (line) => {
          const event = JSON.parse(line) as { Action: string; Actor: { ID: string }; timeNano: number };
          const { Action: kind } = event;
          if (kind === 'start' || kind === 'die')
            events.push({ kind, container: event.Actor.ID.slice(0, 12), atMs: event.timeNano / 1e6 });
        },
      ),
    ),
    ...cluster.nodes.map((node) =>
      listen(node.sandboxArgv('ingress_sbox', ['nft', 'monitor']), (line, atMs) => {
        if (line.includes('fairway')) heardMs.set(node.swarmNodeId, [...(heardMs.get(node.swarmNodeId) ?? []), atMs]);
      }),
    ),
  ];

  const measured: Change[] = [];
  try {
    for (let n = 0; n < changes; n += 1) {
      signal.throwIfAborted();
      const kind: Kind = n % 2 === 0 ? 'start' : 'die';
      const known = events.length;
      await docker('service', 'scale', '--detach', `${service}=${kind === 'start' ? 1 : 0}`);
      const event = () => events.slice(known).find((held) => held.kind === kind);
      await until(
        `every node to ${kind === 'start' ? 'answer' : 'refuse'} after change ${n + 1}`,
        async () => {
          const wanted = kind === 'start' ? event()?.container : 'refused';
          const missing = targets.filter((target) => answers.get(target)?.state !== wanted);
          return (event() !== undefined && missing.length === 0) || missing.join(', ') || 'no event yet';
        },
        { limitMs, everyMs: 10, signal },
      );
      const answeredMs = Math.max(...targets.map((target) => answers.get(target)?.atMs ?? Number.NaN));
      measured.push({ kind, eventMs: event()?.atMs ?? Number.NaN, answeredMs });
      // What follows a change (the managers' listings, the task that is removed) is not to be measured with the next.
      await fairwayConverged(cluster, { limitMs, signal });
      if (n % 20 === 19) report(`${n + 1} of ${changes} changes`);
    }
    await until(
      'the last spans to arrive',
      async () => measured.every((change) => stages(change) !== undefined) || 'some are missing',
      { limitMs: 15_000, everyMs: 500, signal },
    ).catch((error) => report(String(error.message)));
  } finally {
    for (const speaker of speakers) speaker.stop();
  }

  /** The trace that began with the event: of this service, within the second after Docker told of it. */
  function traceOf({ kind, eventMs }: Change): readonly Span[] {
    const root = spans.find(
      ({ name, attributes, startMs }) =>
        name === 'send fairway.fact' &&
        attributes['fairway.event'] === `container ${kind}` &&
        attributes['fairway.object'] === id &&
        startMs >= eventMs - 1 &&
        startMs < eventMs + 1_000,
    );
    return spans.filter(({ trace }) => trace === root?.trace);
  }

  function stages(change: Change): Stages | undefined {
    return stagesOf(traceOf(change), change.eventMs, targets.length);
  }

  return ['start', 'die'].map((kind) => tableOf(kind as Kind)).join('\n') + monitorCheck();

  function tableOf(kind: Kind): string {
    const ofKind = measured.filter((change) => change.kind === kind);
    const all = ofKind.flatMap((change) => stages(change) ?? []);
    const rows = (['seen', 'decided', 'planned', 'applied'] as const).map((stage) => ({
      stage,
      values: all.map((held) => held[stage]),
    }));
    const answered = ofKind.map(({ eventMs, answeredMs }) => answeredMs - eventMs);
    const last = kind === 'start' ? 'answered' : 'refused';
    const title = kind === 'start' ? "After a container's start" : "After a container's death";
    return `## ${title}\n\n${stageTable([...rows, { stage: last, values: answered }])}`;
  }

  /** Whether each apply that a node told of was heard from its kernel at the same time. */
  function monitorCheck(): string {
    const applies = measured.flatMap(traceOf).filter(({ name }) => name === 'apply');
    const confirmed = applies.filter(({ attributes, startMs, endMs }) =>
      heardMs.get(String(attributes['fairway.node']))?.some((atMs) => atMs >= startMs && atMs <= endMs + monitorMaxMs),
    );
    return `\n${confirmed.length} of ${applies.length} applies were heard from \`nft monitor\` in the node's sandbox between their start and ${monitorMaxMs} ms after their end.\n`;
  }
}
