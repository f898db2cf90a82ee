import type { Bus, Stoppable } from '../bus.ts';
import { connectBus } from './connect-bus.ts';
import type { ConnectOptions } from './connection.ts';

/**
 * Connects to each of the servers by itself, and hands over each connection when it is there. A server whose machine lost
 * power sends no end of its connections, which is noticed after seconds only: who has to hear, or to be heard, within
 * less has another one meanwhile. Stopping closes them.
 */
export function connectEach(
  { servers, log, ...options }: Omit<ConnectOptions, 'signal' | 'onlyThese' | 'onState'>,
  onConnected: (bus: Bus) => void,
): Stoppable {
  const stopping = new AbortController();
  const { signal } = stopping;
  // That it connects is no news: the service has a connection that says so.
  const quiet = log && { info: () => {}, warn: log.warn };
  const opened = [servers].flat().map(async (server) => {
    const bus = await connectBus({
      ...options,
      servers: server,
      onlyThese: true,
      signal,
      ...(quiet && { log: quiet }),
    });
    if (!signal.aborted) onConnected(bus);
    return bus;
  });
  return {
    async stop() {
      stopping.abort();
      for (const one of await Promise.allSettled(opened)) if (one.status === 'fulfilled') await one.value.close();
    },
  };
}
