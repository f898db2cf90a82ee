import { constants } from 'node:os';
import type { ContainerFact } from '@fairway/mesh';
import type { ContainerEvent } from './docker.ts';
import type { EngineContainer, EngineContainerSummary } from './engine-schema.ts';

/** How a container is, in the mesh's words. */
export type ContainerLife = ContainerFact['state'];

/** How a container is by its inspection. A paused one runs: Docker pauses on an operator's word and Swarm keeps it. */
export function containerLife(state: EngineContainer['State']): ContainerLife {
  switch (state.Status) {
    case 'created':
    case 'restarting':
      return 'starting';
    case 'running':
    case 'paused':
      break;
    default:
      return 'dead';
  }
  switch (state.Health?.Status ?? 'none') {
    case 'starting':
      return 'starting';
    case 'unhealthy':
      return 'unhealthy';
    default:
      return 'running';
  }
}

/** How a container is by its line in a listing; undefined where that does not say, since it leaves out the health. */
export function listedLife(state: EngineContainerSummary['State']): ContainerLife | undefined {
  const life = containerLife({ Status: state });
  return life === 'running' ? undefined : life;
}

/** What an event says of its container: a state, or that it must be looked at, or that it is no more. */
export function eventLife(event: ContainerEvent, stopSignal: number): ContainerLife | 'inspect' | undefined {
  switch (event.action) {
    case 'create':
      return 'starting';
    case 'start':
      // It may have a health check, of which the event says nothing.
      return 'inspect';
    case 'healthy':
      return 'running';
    case 'unhealthy':
      return 'unhealthy';
    case 'kill':
      return event.signal === sigterm || event.signal === sigkill || event.signal === stopSignal
        ? 'stopping'
        : undefined;
    case 'die':
    case 'destroy':
      return 'dead';
  }
}

const { SIGTERM: sigterm, SIGKILL: sigkill } = constants.signals;
/** moby pkg/signal: real-time signals are counted from 34 on Linux. */
const rtmin = 34;

/** The number of a signal as images name it (`SIGQUIT`, `QUIT`, `3`, `SIGRTMIN+3`); SIGTERM where that says nothing. */
export function signalNumber(name: string | null | undefined): number {
  if (!name) return sigterm;
  if (/^\d+$/.test(name)) return Number(name);
  const bare = name.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RTMIN(?:\+(\d+))?$/.exec(bare);
  if (realTime) return rtmin + Number(realTime[1] ?? 0);
  return (constants.signals as Record<string, number>)[`SIG${bare}`] ?? sigterm;
}
