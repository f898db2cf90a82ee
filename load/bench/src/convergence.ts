import { fileURLToPath } from 'node:url';
import { type Cluster, type Engine, fairwayConverged, imageName, run, tracesUrl, until } from '@fairway/cluster';
import { receiveTraces } from '@fairway/trace-receiver';
import { listen } from '@fairway/traffic';
import type { Measuring } from './measuring.ts';
import { type Span, spanOf } from './span.ts';
import { type Stages, stagesOf, stageTable } from './stages.ts';

const port = 8000;
const service = 'measured';
const limitMs = 60_000;
/** Spans are exported in batches, half a second apart. */
const spansMaxMs = 3_000;
/** A kernel's word and a process's stamp of the same change are told apart by no more than a busy machine's delays. */
const monitorMaxMs = 100;

type Kind = 'start' | 'die';
type Change = {
  readonly kind: Kind;
  /** Docker's own time of the container's event. */
  readonly eventMs: number;
  /** When the last of the nodes answered an outside client for the first time after a start. */
  readonly answeredMs?: number;
};
type ContainerEvent = {
  readonly kind: Kind;
  readonly engine: Engine;
  readonly container: string;
  readonly atMs: number;
};

/**
 * Starts and kills the one task of a service with a published port, and measures each container's start and death: by
 * the traces that Fairway exports, by connections through every node, and against what `nft monitor` hears. The task is
 * killed as a crash would: nobody is told before it is dead.
 */
export async function measureConvergence(cluster: Cluster, { changes, report, signal }: Measuring): Promise<string> {
  const docker = (...args: readonly string[]) => run(['docker', '-H', `unix://${cluster.manager.socket}`, ...args]);
  const program = (file: string, ...args: readonly string[]) =>
    cluster.clientArgv([process.execPath, fileURLToPath(new URL(file, import.meta.url)), ...args]);
  const events: ContainerEvent[] = [];
  const answers = new Map<string, { state: string; atMs: number }>();
  const heardMs = new Map<string, number[]>();

  await fairwayConverged(cluster, { limitMs, signal });
  // No task yet: the first change starts one.
  const id = (
    await docker(
      ...['service', 'create', '--no-resolve-image', '--detach', '--name', service, '--restart-condition', 'none'],
      ...['--replicas', '0', '--publish', `${port}:${port}`, imageName],
    )
  ).trim();
  await fairwayConverged(cluster, { limitMs, signal });

  const { spans: received, end: endReceiving } = await receiveTraces(cluster.client.namespace, tracesUrl);
  const targets = cluster.nodes.map((node) => `${node.address}:${port}`);
  const speakers = [
    listen(program('watch-port.ts', ...targets), (line) => {
      const { target, state, atMs } = JSON.parse(line) as { target: string; state: string; atMs: number };
      answers.set(target, { state, atMs });
    }),
    ...cluster.nodes.map(({ socket, engine }) =>
      listen(
        ['docker', '-H', `unix://${socket}`, 'events', '--filter', 'type=container', '--format', '{{json .}}'],
        (line) => {
          const event = JSON.parse(line) as { Action: string; Actor: { ID: string }; timeNano: number };
          const { Action: kind } = event;
          if (kind === 'start' || kind === 'die')
            events.push({ kind, engine, container: event.Actor.ID, atMs: event.timeNano / 1e6 });
        },
      ),
    ),
    ...cluster.nodes.map((node) =>
      // It warns on standard error of sets that it has not seen being made, which are all of Docker's.
      listen(node.sandboxArgv('ingress_sbox', 'exec nft monitor 2>/dev/null'), (line, atMs) => {
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
      if (n === 0) await docker('service', 'scale', '--detach', `${service}=1`);
      else if (kind === 'start') await forced();
      else await crash(events.findLast((held) => held.kind === 'start'));
      const event = () => events.slice(known).find((held) => held.kind === kind);
      const answering = (target: string) => answers.get(target)?.state === event()?.container.slice(0, 12);
      await until(
        `change ${n + 1} of ${changes}, a container's ${kind}, to take effect on every node`,
        async () => {
          if (!event()) return 'no event yet';
          const missing = kind === 'die' ? [] : targets.filter((target) => !answering(target));
          return missing.length === 0 || `no answer at ${missing.join(', ')}`;
        },
        { limitMs, everyMs: 10, signal },
      );
      const { atMs: eventMs = Number.NaN } = event() ?? {};
      const answeredMs = Math.max(...targets.map((target) => answers.get(target)?.atMs ?? Number.NaN));
      const change: Change = kind === 'start' ? { kind, eventMs, answeredMs } : { kind, eventMs };
      measured.push(change);
      await told(change);
      if (n % 20 === 19) report(`${n + 1} of ${changes} changes`);
    }
  } finally {
    for (const speaker of speakers) speaker.stop();
    await endReceiving();
  }

  /** Docker refuses an update that meets a change of its own, of a task that ended: it is asked again. */
  async function forced(): Promise<void> {
    await until(
      'Docker to take the update',
      () =>
        docker('service', 'update', '--detach', '--force', service).then(
          () => true as const,
          (error) => {
            if (String(error).includes('update out of sequence')) return 'update out of sequence';
            throw error;
          },
        ),
      { limitMs, signal },
    );
  }

  /** The spans of a change are all there; one whose spans do not come is left out of the table, and counted by it. */
  async function told(change: Change): Promise<void> {
    const limits = { limitMs: spansMaxMs, everyMs: 50, signal };
    await until('its spans', async () => stages(change) !== undefined || 'some are missing', limits).catch((error) => {
      if (signal.aborted) throw error;
    });
  }

  /** The trace that began with the event: of this service, within the second after Docker told of it. */
  function traceOf({ kind, eventMs }: Change): readonly Span[] {
    const root = received
      .filter(
        ({ name, attributes }) =>
          name === 'send fairway.fact' &&
          attributes['fairway.event'] === `container ${kind}` &&
          attributes['fairway.object'] === id,
      )
      .map(spanOf)
      .find(({ startMs }) => startMs >= eventMs - 1 && startMs < eventMs + 1_000);
    return root ? received.filter(({ traceId }) => traceId === root.traceId).map(spanOf) : [];
  }

  function stages(change: Change): Stages | undefined {
    return stagesOf(traceOf(change), change.eventMs, targets.length);
  }

  return ['start', 'die'].map((kind) => tableOf(kind as Kind)).join('\n') + monitorCheck();

  function tableOf(kind: Kind): string {
    const ofKind = measured.filter((change) => change.kind === kind);
    const all = ofKind.flatMap((change) => stages(change) ?? []);
    const rows = (['seen', 'decided', 'planned', 'applied', 'ended'] as const).map((stage) => ({
      stage,
      values: all.map((held) => held[stage]),
    }));
    const answered = ofKind.flatMap(({ eventMs, answeredMs }) =>
      answeredMs === undefined ? [] : answeredMs - eventMs,
    );
    const last = kind === 'start' ? [{ stage: 'answered', values: answered }] : [];
    const title = kind === 'start' ? "After a container's start" : "After a container's death";
    return `## ${title}\n\n${ofKind.length} changes. Milliseconds after Docker's event, the slowest of the nodes.\n\n${stageTable([...rows, ...last])}`;
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

/** Kills a container's process behind Docker's back. */
async function crash(started: ContainerEvent | undefined): Promise<void> {
  if (!started) throw new Error('no container was started that could be killed');
  const { State } = (await started.engine.get(`/containers/${started.container}/json`)) as { State: { Pid: number } };
  if (State.Pid > 1) process.kill(State.Pid, 'SIGKILL');
}
