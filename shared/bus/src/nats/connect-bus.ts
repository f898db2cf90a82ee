import type { Bus, Message, Stoppable } from '../bus.ts';
import { meshBucket } from '../streams.ts';
import { admit } from './admit.ts';
import { announceHead } from './announce.ts';
import { answer, ask } from './answer.ts';
import { openBucket, requireSize } from './bucket.ts';
import { readEpoch } from './bucket-stream.ts';
import { Connection, type ConnectOptions } from './connection.ts';
import { ackFloorOf, consumeStream, countOf } from './consume.ts';
import { hand } from './hand.ts';
import { headersOf, messageOf } from './message.ts';
import { provision } from './provision.ts';
import { Shortage } from './shortage.ts';
import { store } from './store.ts';
import { tailStream } from './tail.ts';
import { teller } from './tell.ts';

/**
 * The bus on NATS with JetStream. Waits for a server that cannot be reached, however long, and says so; makes nothing
 * there until `provision` is called. @throws {BusTooOld}
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const connection = await Connection.open(options);
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
  const shortage = new Shortage(options.log);
  const mesh = await openBucket(connection, meshBucket);
  const tell = teller(connection);
  /** Whom the mesh has, as was told last. */
  let expected: readonly string[] = [];
  let admitting: Admitting | undefined;
  let closed = false;

  return {
    sender: connection.sender,
    async provision() {
      const epoch = await provision(connection, shortage);
      if (!admitting && !closed) {
        admitting = startAdmitting(options, () => expected);
        keep(announceHead(connection, meshBucket));
        keep(admitting);
      }
      return epoch;
    },
    expect(senders) {
      expected = [...senders];
      admitting?.expect(expected);
    },
    epoch: () => readEpoch(connection, meshBucket),
    async publish(message, id) {
      requireSize(connection, message.subject, Buffer.byteLength(message.text));
      if (!connection.ownsStreams) return tell(message, id);
      await connection.ask(`publish ${message.subject}`, () =>
        store(connection, { ...message, payload: message.text }, id),
      );
    },
    broadcast(message) {
      requireSize(connection, message.subject, Buffer.byteLength(message.text));
      const headers = headersOf(message);
      if (connection.connected) connection.nc.publish(message.subject, message.text, { ...(headers && { headers }) });
    },
    subscribe: (pattern, handle) => keep(subscribe(connection, pattern, handle)),
    ask: (subject, text, limitMs) => ask(connection, subject, text, limitMs),
    answer: (subject, handle) => keep(answer(connection, subject, handle)),
    consume: (stream, durable, handle) => keep(consumeStream(connection, stream, durable, handle)),
    ackFloor: (stream, durable) => ackFloorOf(connection, stream, durable),
    count: (stream) => countOf(connection, stream),
    tail: (stream, pattern, handle) => keep(tailStream(connection, stream, pattern, handle)),
    mesh: { ...mesh, follow: (follower) => keep(mesh.follow(follower)) },
    onState: (listener) => void connection.onState(listener),
    goOnBy: (server) => connection.goOnBy(server),
    async close() {
      closed = true;
      await Promise.all([...going].map((one) => one.stop()));
      await connection.close();
    },
  };
}

type Admitting = Stoppable & Pick<Bus, 'expect'>;

/** Admits what is told, on a connection of its own, from when it is there until it is stopped; `expected` are to be heard. */
function startAdmitting({ onState: _, ...options }: ConnectOptions, expected: () => Iterable<string>): Admitting {
  const stopping = new AbortController();
  let admission: Admitting | undefined;
  const opened = Connection.open({ ...options, name: `${options.name}-admission`, signal: stopping.signal }).then(
    (connection) => {
      admission = admit(connection);
      admission.expect(expected());
      return connection;
    },
    (error) => {
      if (!stopping.signal.aborted) throw error;
    },
  );
  return {
    expect: (senders) => admission?.expect(senders),
    async stop() {
      stopping.abort();
      const connection = await opened;
      await admission?.stop();
      await connection?.close();
    },
  };
}

/** Plain NATS: the client subscribes again by itself after each loss; what passed meanwhile is not heard. */
function subscribe(connection: Connection, pattern: string, handle: (message: Message) => void): Stoppable {
  const subscription = connection.nc.subscribe(pattern, {
    callback: (error, message) => {
      if (error) connection.log?.warn(`subscribe ${pattern}: ${error.message}`);
      else hand(() => handle(messageOf(message)));
    },
  });
  return {
    async stop() {
      if (!subscription.isClosed()) subscription.unsubscribe();
    },
  };
}
