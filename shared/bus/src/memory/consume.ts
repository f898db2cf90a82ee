import type { Delivery, Stoppable } from '../bus.ts';
import type { MemoryConnection } from './connection.ts';
import type { MemoryDurable } from './durable.ts';

/** Takes a share of a durable consumer, as soon as there is its stream, and of the next one after a wipe. */
export function consume(
  connection: MemoryConnection,
  stream: string,
  durable: string,
  handle: (delivery: Delivery) => void,
): Stoppable {
  const { server } = connection;
  let stopped = false;
  let joined: MemoryDurable | undefined;
  let leave = () => {};
  /** Answers given without a connection, until there is one again. */
  let unsent: (() => void)[] = [];

  const answer = (send: () => void) => {
    // Without a majority an answer is lost, and what it answers comes again.
    if (connection.connected) connection.outward.pass(() => connection.hasQuorum && send());
    else unsent.push(send);
  };
  const taker = {
    listening: () => !stopped && connection.isServed,
    take: (delivery: Delivery) =>
      connection.inward.pass(() => {
        if (stopped) return;
        handle({
          ...delivery,
          ack: () => answer(delivery.ack),
          retry: (delayMs) => answer(() => delivery.retry(delayMs)),
        });
      }),
  };
  const look = connection.later(() => {
    if (stopped || !connection.isServed) return;
    const found = server.ensureDurable(stream, durable);
    if (found === joined) return found?.deliver();
    leave();
    joined = found;
    if (found) leave = found.join(taker);
  });
  const off = connection.onState((state) => {
    if (state === 'lost') return;
    const sending = unsent;
    unsent = [];
    for (const send of sending) answer(send);
    look();
  });
  server.readers.add(look);
  look();
  return {
    async stop() {
      stopped = true;
      leave();
      off();
      server.readers.delete(look);
    },
  };
}
