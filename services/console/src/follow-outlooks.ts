import { type Bus, type Clock, type Outlook, readOutlook, type Stoppable, subjects, Unreadable } from '@fairway/bus';
import { overMs, Recently } from './recently.ts';

/** How far each sentinel sees; undefined while none was heard and it may be too early for that. */
export type Outlooks = Stoppable & { readonly now: readonly Outlook[] | undefined };

/** Hears from sentinels how far they see. */
export function followOutlooks(bus: Bus, clock: Clock): Outlooks {
  const heard = new Recently<Outlook>(clock);
  let sinceMs = clock.nowMs();
  bus.onState((state) => {
    if (state === 'connected') sinceMs = clock.nowMs();
  });
  const hearing = bus.subscribe(subjects.outlook('*'), (message) => {
    try {
      const outlook = readOutlook(message);
      heard.hear(outlook.sentinel, outlook);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  });
  return {
    get now() {
      const { now } = heard;
      if (now.size === 0 && clock.nowMs() - sinceMs <= overMs) return undefined;
      return [...now.values()];
    },
    stop: () => hearing.stop(),
  };
}
