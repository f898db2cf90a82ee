import type Dockerode from 'dockerode';
import type * as z from 'zod';
import { type ContainerEvent, type DockerEvent, type DockerEvents, DockerUnavailable } from './docker.ts';
import { openStream } from './engine-request.ts';
import { type EngineEvent, engineEvent, taskLabels } from './engine-schema.ts';

/**
 * Asked of the daemon, so that the two events that each run of a health check makes are not sent at all. `health_status`
 * lets those with a result through (moby daemon/events/filter.go).
 */
const filters = {
  type: ['container', 'service', 'node', 'network', 'daemon'],
  event: [
    'create',
    'start',
    'health_status',
    'kill',
    'die',
    'destroy',
    'update',
    'remove',
    'connect',
    'disconnect',
    'reload',
  ],
};

type TellMalformed = (name: string, error: z.ZodError, answer: unknown) => unknown;

/** Opens Docker's stream of events: one JSON object a line. */
export async function openEvents(engine: Dockerode, tellMalformed: TellMalformed): Promise<DockerEvents> {
  const abort = new AbortController();
  const stream = await openStream(engine, 'events', { filters: JSON.stringify(filters) }, abort.signal);
  return {
    stop: () => abort.abort(),
    async *[Symbol.asyncIterator]() {
      let rest = '';
      stream.setEncoding('utf8');
      try {
        for await (const chunk of stream) {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const event = line.trim() && readLine(line, tellMalformed);
            if (event) yield event;
          }
        }
      } catch (cause) {
        if (abort.signal.aborted) return;
        throw new DockerUnavailable('events', { cause });
      }
      if (!abort.signal.aborted) throw new DockerUnavailable('events: the stream ended');
    },
  };
}

function readLine(line: string, tellMalformed: TellMalformed): DockerEvent | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    json = line;
  }
  const parsed = engineEvent.safeParse(json);
  if (parsed.success) return readEvent(parsed.data);
  tellMalformed('event', parsed.error, json);
  return undefined;
}

/** An event in Fairway's words; undefined for one that says nothing about the swarm. */
export function readEvent(event: EngineEvent): DockerEvent | undefined {
  const { Type: type, Action: action, Actor } = event;
  switch (type) {
    case 'container':
      return readContainerEvent(event);
    case 'service':
    case 'node':
    case 'network':
      return { kind: type, action, id: Actor.ID, scope: event.scope };
    case 'daemon':
      return { kind: 'daemon', action };
    default:
      return undefined;
  }
}

const containerActions: Readonly<Record<string, ContainerEvent['action']>> = {
  create: 'create',
  start: 'start',
  'health_status: healthy': 'healthy',
  'health_status: unhealthy': 'unhealthy',
  kill: 'kill',
  die: 'die',
  destroy: 'destroy',
};

function readContainerEvent({ Action, Actor }: EngineEvent): ContainerEvent | undefined {
  const action = containerActions[Action];
  const labels = taskLabels.safeParse(Actor.Attributes);
  if (!action || !labels.success) return undefined;
  const { signal } = Actor.Attributes;
  return {
    kind: 'container',
    action,
    id: Actor.ID,
    task: labels.data['com.docker.swarm.task.id'],
    service: labels.data['com.docker.swarm.service.id'],
    ...(signal && /^\d+$/.test(signal) ? { signal: Number(signal) } : {}),
  };
}
