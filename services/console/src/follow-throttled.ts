import { type Bus, type Clock, readThrottled, type Stoppable, subjects, Unreadable } from '@fairway/bus';
import { Recently } from './recently.ts';

/** Nodes that tell more than is taken, by their id: how many messages of theirs were refused in a second. */
export type Throttled = Stoppable & { readonly now: ReadonlyMap<string, number> };

/** Hears from deciders and sentinels whom they throttle. */
export function followThrottled(bus: Bus, clock: Clock): Throttled {
  const heard = new Recently<number>(clock);
  const hearing = bus.subscribe(subjects.throttled('*'), (message) => {
    try {
      const { sender, refused } = readThrottled(message);
      heard.hear(sender, refused);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  });
  return {
    get now() {
      return heard.now;
    },
    stop: () => hearing.stop(),
  };
}
