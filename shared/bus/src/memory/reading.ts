import type { Stoppable } from '../bus.ts';
import type { MemoryConnection } from './connection.ts';

/** Reading something in order, each item once, across losses. */
export type MemoryReading<Source extends object, Item> = {
  /** What is there to be read now; another object once it was made anew. */
  source(): Source | undefined;
  begin(source: Source): void;
  /** What comes behind a sequence; behind 0, where a reading begins. */
  behind(source: Source, sequence: number): readonly Item[];
  sequenceOf(item: Item): number;
  hand(item: Item): void;
  caughtUp(source: Source): void;
  fellBehind(): void;
};

/** Goes on from the last sequence that was handed over, or begins again where the source is another one. */
export function read<Source extends object, Item>(
  connection: MemoryConnection,
  reading: MemoryReading<Source, Item>,
): Stoppable {
  let held: Source | undefined;
  let seen = 0;
  let caughtUp = false;
  let stopped = false;
  const listening = () => !stopped && connection.isServed;

  const look = connection.later(() => {
    const source = reading.source();
    if (!listening() || !source) return;
    if (source !== held) {
      held = source;
      seen = 0;
      caughtUp = false;
      reading.begin(source);
    }
    for (const item of reading.behind(source, seen)) {
      // Whoever hears one item may stop, or lose the connection, before the next.
      if (!listening()) return;
      seen = reading.sequenceOf(item);
      reading.hand(item);
    }
    if (caughtUp || !listening()) return;
    caughtUp = true;
    reading.caughtUp(source);
  });

  const off = connection.onState((state) => {
    if (state === 'connected') return look();
    if (caughtUp) reading.fellBehind();
    caughtUp = false;
  });
  connection.server.readers.add(look);
  look();
  return {
    async stop() {
      stopped = true;
      off();
      connection.server.readers.delete(look);
    },
  };
}
