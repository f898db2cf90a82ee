import { type Bus, type Clock, readThrottled, type Stoppable, subjects, Unreadable } from '@fairway/bus';

/** It is said each second; what has not been said for so long is over. */
const overMs = 5_000;

/** Nodes that tell more than is taken, by their id: how many messages of theirs were refused in a second. */
export type Throttled = Stoppable & { readonly now: ReadonlyMap<string, number> };

/** Hears from deciders whom they throttle. */
export function followThrottled(bus: Bus, clock: Clock): Throttled {
  const heard = new Map<string, { readonly refused: number; readonly atMs: number }>();
  const hearing = bus.subscribe(subjects.throttled('*'), (message) => {
    try {
      const { sender, refused } = readThrottled(message);
      heard.set(sender, { refused, atMs: clock.nowMs() });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  });
  return {
    get now() {
      for (const [sender, { atMs }] of heard) if (clock.nowMs() - atMs > overMs) heard.delete(sender);
      return new Map([...heard].map(([sender, { refused }]) => [sender, refused]));
    },
    stop: () => hearing.stop(),
  };
}
