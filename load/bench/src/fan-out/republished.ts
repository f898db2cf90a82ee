import { connectBus } from '@fairway/bus';
import type { Watcher } from './watcher.ts';

/** As nodes do it: entries as the server says them again, and what was missed from the stream. */
export async function connectRepublished(servers: readonly string[], name: string): Promise<Watcher> {
  const bus = await connectBus({ servers, name });
  return {
    follow(hearing) {
      bus.mesh.follow({
        begin() {},
        entry: ({ key, revision }) => hearing.entry(key, revision),
        caughtUp: () => hearing.caughtUp(),
      });
    },
  };
}
