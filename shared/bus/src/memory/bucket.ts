import { type Bucket, RevisionConflict } from '../bus.ts';
import type { MemoryConnection } from './connection.ts';
import { read } from './reading.ts';

/** The mesh bucket as one connection sees it. */
export function memoryBucket(connection: MemoryConnection): Bucket {
  const { server } = connection;
  const write = (operation: string, key: string, revision: number, text: string | undefined) =>
    connection.write(`${operation} ${key}`, () => {
      const world = server.demand(`${operation} ${key}`);
      world.expect(key, revision);
      if (server.chance.happens(server.faults.conflict ?? 0)) throw new RevisionConflict(key, revision);
      const written = world.write(text === undefined ? { key } : { key, text });
      server.changed();
      return written;
    });

  return {
    get: (key) => connection.ask(`read ${key}`, () => server.demand(`read ${key}`).entries.get(key)),
    async put(key, text, revision) {
      connection.requireSize(key, text);
      return write('write', key, revision, text);
    },
    async delete(key, revision) {
      if (revision > 0) await write('delete', key, revision, undefined);
      else await connection.ask(`delete ${key}`, () => server.demand(`delete ${key}`).expect(key, 0));
    },
    lastRevision: () => connection.ask('look at the bucket', () => server.demand('look at the bucket').revision),
    follow: (follower) =>
      read(connection, {
        source: () => server.world,
        begin: (world) => follower.begin(world.epoch),
        behind: (world, revision) => [...world.entries.values()].filter((entry) => entry.revision > revision),
        sequenceOf: (entry) => entry.revision,
        hand: (entry) => follower.entry(entry),
        caughtUp: (world) => follower.caughtUp(world.revision),
        fellBehind: () => follower.fellBehind?.(),
      }),
  };
}
