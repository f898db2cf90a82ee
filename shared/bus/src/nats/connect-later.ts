import { setTimeout as pause } from 'node:timers/promises';
import { type Bus, BusUnavailable, type NodeBus, type Stoppable } from '../bus.ts';
import { connectBus } from './connect-bus.ts';
import type { ConnectOptions, StateListener } from './connection.ts';
import { BusTooOld } from './version.ts';

/** A server that is too old is asked again this often: it may be upgraded while the node goes on by its disk. */
const tooOldPauseMs = 5_000;

/**
 * The bus as a node has it, at once: until a server is reached what is asked is refused as unavailable, and whoever wants
 * to hear or to answer does so from then on. A server that is too old is said, and tried again.
 */
export function connectBusLater(options: Omit<ConnectOptions, 'signal' | 'onState'>): NodeBus {
  const ending = new AbortController();
  const listeners = new Set<StateListener>();
  const tell: StateListener = (state, detail) => {
    for (const listener of [...listeners]) listener(state, detail);
  };
  let bus: Bus | undefined;
  const there = open({ ...options, signal: ending.signal }).then(
    async (opened) => {
      if (ending.signal.aborted) {
        await opened.close();
        return undefined;
      }
      bus = opened;
      opened.onState(tell);
      tell('connected', 'a first server was reached');
      return opened;
    },
    (error) => {
      if (!ending.signal.aborted) throw error;
      return undefined;
    },
  );
  const reached = (operation: string): Bus => {
    if (!bus) throw new BusUnavailable(operation, { cause: new Error('no server was reached yet') });
    return bus;
  };
  const onceThere = (start: (bus: Bus) => Stoppable): Stoppable => {
    if (bus) return start(bus);
    let isStopped = false;
    const starting = there.then((opened) => (opened && !isStopped ? start(opened) : undefined));
    return {
      async stop() {
        isStopped = true;
        // While there is no server there is nothing to wait for.
        if (bus) await (await starting)?.stop();
      },
    };
  };
  return {
    epoch: async () => reached('epoch').epoch(),
    publish: async (message, id) => reached(`publish ${message.subject}`).publish(message, id),
    subscribe: (pattern, handle) => onceThere((bus) => bus.subscribe(pattern, handle)),
    answer: (subject, handle) => onceThere((bus) => bus.answer(subject, handle)),
    mesh: { follow: (follower) => onceThere((bus) => bus.mesh.follow(follower)) },
    onState: (listener) => void listeners.add(listener),
    goOnBy: (server) => bus?.goOnBy(server),
    async close() {
      ending.abort();
      // An attempt that is under way is not waited for: it takes seconds, where nobody answers.
      await bus?.close();
    },
  };
}

async function open(options: ConnectOptions & { readonly signal: AbortSignal }): Promise<Bus> {
  for (;;) {
    try {
      return await connectBus(options);
    } catch (error) {
      if (!(error instanceof BusTooOld)) throw error;
      options.log?.warn(`bus: ${error.message}`);
      await pause(tooOldPauseMs, undefined, { signal: options.signal });
    }
  }
}
