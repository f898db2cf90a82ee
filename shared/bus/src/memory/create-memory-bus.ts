import type { Bus, Stoppable } from '../bus.ts';
import { answer, ask } from './answer.ts';
import { memoryBucket } from './bucket.ts';
import { chanceFrom } from './chance.ts';
import { type Clock, realClock } from './clock.ts';
import { MemoryConnection } from './connection.ts';
import { consume } from './consume.ts';
import type { MemoryFaults } from './faults.ts';
import { read } from './reading.ts';
import { MemoryServer } from './server.ts';
import { subscribe } from './subscribe.ts';

export type MemoryBusOptions = {
  /** The same seed, clock and calls give the same faults. */
  readonly seed?: number;
  /** None where there is none named: then everything arrives at once, in order, and once. */
  readonly faults?: MemoryFaults;
  readonly clock?: Clock;
};

/** One connection to the stand-in, and what a test does to it. */
export type MemoryBus = Bus & {
  readonly seed: number;
  /** A further connection to the same stand-in. */
  another(): MemoryBus;
  /** Takes everything from the stand-in; the next `provision` begins a new epoch. */
  wipe(): void;
  /** Keeps what the bucket has; what it answers puts that back, in the same epoch and at the revision of then. */
  backup(): () => void;
  /** Loses this connection, for so long or until `mend`. */
  cut(forMs?: number): void;
  /**
   * Lets one direction of this connection carry nothing: what it says, or what it is told, arrives with `mend`, unless the
   * connection is taken for lost before, which it is after 5 s.
   */
  cutHalf(half: 'outward' | 'inward'): void;
  /** Puts this connection's server on the side without a majority, where nothing is stored, until `mend`. */
  part(): void;
  mend(): void;
  /** From now on these faults, for all connections: none, when a simulation is to come to rest. */
  setFaults(faults: MemoryFaults): void;
};

/** The bus within one process: the contract of NATS without NATS, and as unkind as it is asked to be. */
export function createMemoryBus(options: MemoryBusOptions = {}): MemoryBus {
  const seed = options.seed ?? 1;
  const server = new MemoryServer(options.clock ?? realClock, chanceFrom(seed), options.faults ?? {});
  return connectTo(server, seed);
}

function connectTo(server: MemoryServer, seed: number): MemoryBus {
  const connection = new MemoryConnection(server);
  const going = new Set<Stoppable>();
  const keep = (started: Stoppable): Stoppable => {
    const kept = {
      stop: async () => {
        going.delete(kept);
        await started.stop();
      },
    };
    going.add(kept);
    return kept;
  };
  const mesh = memoryBucket(connection);

  return {
    sender: 'memory',
    provision: () => connection.write('provision', () => server.provision()),
    // Nobody is shut out here.
    expect: () => {},
    epoch: () => connection.ask('read the epoch', () => server.world?.epoch),
    async publish(message, id) {
      connection.requireSize(message.subject, message.text);
      const operation = `publish ${message.subject}`;
      await connection.write(operation, () => server.store(operation, message, id, connection));
    },
    broadcast(message) {
      connection.requireSize(message.subject, message.text);
      connection.send(message);
    },
    subscribe: (pattern, handle) => keep(subscribe(connection, pattern, handle)),
    ask: (subject, text, limitMs) => ask(connection, subject, text, limitMs),
    answer: (subject, handle) => keep(answer(connection, subject, handle)),
    consume: (stream, durable, handle) => keep(consume(connection, stream, durable, handle)),
    ackFloor: (stream, durable) => {
      const operation = `look at ${durable} of ${stream}`;
      return connection.ask(operation, () => {
        server.demandStream(operation, stream);
        return server.durable(stream, durable)?.ackFloor ?? 0;
      });
    },
    count: (stream) => connection.ask(`count ${stream}`, () => server.world?.streams.get(stream)?.after(0).length ?? 0),
    tail: (stream, pattern, handle) =>
      keep(
        read(connection, {
          source: () => server.world?.streams.get(stream),
          begin: () => {},
          behind: (source, sequence) => (sequence === 0 ? source.lastOfEach(pattern) : source.after(sequence, pattern)),
          sequenceOf: (message) => message.sequence,
          hand: ({ atMs: _, ...message }) => handle(message),
          caughtUp: () => {},
          fellBehind: () => {},
        }),
      ),
    mesh: { ...mesh, follow: (follower) => keep(mesh.follow(follower)) },
    onState: (listener) => void connection.onState(listener),
    // It has one.
    goOnBy() {},
    async close() {
      await Promise.all([...going].map((one) => one.stop()));
      connection.close();
    },
    seed,
    another: () => connectTo(server, seed),
    wipe: () => server.wipe(),
    backup: () => server.backup(),
    cut: (forMs) => connection.lose(forMs),
    cutHalf: (half) => connection.cutHalf(half),
    part: () => {
      connection.hasQuorum = false;
    },
    mend: () => connection.mend(),
    setFaults: (faults) => {
      server.faults = faults;
    },
  };
}
