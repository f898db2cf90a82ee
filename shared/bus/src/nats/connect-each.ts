import type { Bus, Stoppable } from '../bus.ts';
import { connectBus } from './connect-bus.ts';
import type { ConnectOptions } from './connection.ts';
import { reason } from './failure.ts';

/**
 * Connects to each of the servers by itself, and hands over each connection when it is there; one that never will be is said
 * and left out. A server whose machine lost power sends no end of its connections, which is noticed after seconds only: who
 * has to hear, or to be heard, within less has another one meanwhile. Stopping closes them.
 */
export function connectEach(
  { servers, log, ...options }: Omit<ConnectOptions, 'signal' | 'onlyThese' | 'onState'>,
  onConnected: (bus: Bus, server: string) => void,
): Stoppable {
  const stopping = new AbortController();
  const { signal } = stopping;
  // That it connects is no news: the service has a connection that says so.
  const quiet = log && { info: () => {}, warn: log.warn };
  const connect = async (server: string) => {
    try {
      const one = { ...options, servers: server, onlyThese: true, signal };
      const bus = await connectBus(quiet ? { ...one, log: quiet } : one);
      if (!signal.aborted) onConnected(bus, server);
      return bus;
    } catch (error) {
      if (!signal.aborted) log?.warn('bus: goes without this server', { server, reason: reason(error) });
      return undefined;
    }
  };
  const opened = Promise.all([servers].flat().map(connect));
  return {
    async stop() {
      stopping.abort();
      for (const bus of await opened) await bus?.close();
    },
  };
}
