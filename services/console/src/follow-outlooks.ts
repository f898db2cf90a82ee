import { type Bus, type Clock, type Outlook, readOutlook, type Stoppable, subjects, Unreadable } from '@fairway/bus';

/** It is said each second; what has not been said for so long is over. */
const overMs = 5_000;

/** How far each sentinel sees; undefined while none was heard and it may be too early for that. */
export type Outlooks = Stoppable & { readonly now: readonly Outlook[] | undefined };

/** Hears from sentinels how far they see. */
export function followOutlooks(bus: Bus, clock: Clock): Outlooks {
  const heard = new Map<string, { readonly outlook: Outlook; readonly atMs: number }>();
  let sinceMs = clock.nowMs();
  bus.onState((state) => {
    if (state === 'connected') sinceMs = clock.nowMs();
  });
  const hearing = bus.subscribe(subjects.outlook('*'), (message) => {
    try {
      const outlook = readOutlook(message);
      heard.set(outlook.sentinel, { outlook, atMs: clock.nowMs() });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  });
  return {
    get now() {
      for (const [sentinel, { atMs }] of heard) if (clock.nowMs() - atMs > overMs) heard.delete(sentinel);
      if (heard.size === 0 && clock.nowMs() - sinceMs <= overMs) return undefined;
      return [...heard.values()].map(({ outlook }) => outlook);
    },
    stop: () => hearing.stop(),
  };
}
