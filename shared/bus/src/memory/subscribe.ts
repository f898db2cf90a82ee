import type { Message, Stoppable } from '../bus.ts';
import type { MemoryConnection } from './connection.ts';

/** Hears what passes while there is a connection, in the order in which it passed. */
export function subscribe(
  connection: MemoryConnection,
  pattern: string,
  handle: (message: Message) => void,
): Stoppable {
  let passed: Message[] = [];
  let stopped = false;
  const hearThem = connection.later(() => {
    const heard = passed;
    passed = [];
    for (const message of heard) if (!stopped && connection.connected) handle(message);
  });
  const off = connection.onState((state) => {
    if (state === 'lost') passed = [];
  });
  const listener = {
    pattern,
    connection,
    hear(message: Message) {
      if (!connection.connected) return;
      passed.push(message);
      hearThem();
    },
  };
  connection.server.listeners.add(listener);
  return {
    async stop() {
      stopped = true;
      off();
      connection.server.listeners.delete(listener);
    },
  };
}
