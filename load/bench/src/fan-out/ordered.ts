import { connectBus } from '@fairway/bus';
import type { Watcher } from './watcher.ts';

/** As nodes do it: an ordered consumer of the bucket's stream for each, made again after each loss. */
export async function connectOrdered(servers: readonly string[], name: string): Promise<Watcher> {
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
