import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer, ConsumerMessages, ConsumerNotification, JsMsg } from '@nats-io/jetstream';
import type { Stoppable } from '../bus.ts';
import type { Connection } from './connection.ts';
import { reason } from './failure.ts';

/** One consumer, for as long as it is heard. */
export type Session = {
  readonly consumer: Consumer;
  /** How many messages are asked for at a time. */
  readonly batch: number;
  /** Returns why it cannot go on with this consumer, if so. */
  message(message: JsMsg): string | undefined;
  /** Asked every 10 s: why it cannot go on, if so. Its own failure says nothing. */
  check?(): Promise<string | undefined>;
  /** After the last message: because it was stopped, or because another session is to follow. */
  end?(stopped: boolean): void;
};

/** The least that the client allows. Silence is then noticed after 1 to 1.5 s. */
const heartbeatMs = 500;
const pullExpiresMs = 3000;
const checkEveryMs = 10_000;
const pauseMsMin = 20;
const pauseMsMax = 1000;

/** What the client notifies when a consumer will not be heard again, or may not. */
const endings: readonly ConsumerNotification['type'][] = [
  'heartbeats_missed',
  'consumer_not_found',
  'consumer_deleted',
  'stream_not_found',
  'no_responders',
];

/**
 * Keeps a consumer going until it is stopped. The client's own recovery left consumers silent for over a minute after
 * their server was killed (tried with 3.4.0), so whenever this one is not heard, or the connection was lost, it is given
 * up and `open` makes another. `open` answers undefined while there is nothing to read.
 */
export function attend(connection: Connection, name: string, open: () => Promise<Session | undefined>): Stoppable {
  const stopping = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

  const run = async () => {
    let pauseMs = pauseMsMin;
    let said: string | undefined;
    while (!stopping.signal.aborted) {
      let trouble: string;
      try {
        await connection.ready(stopping.signal);
        const session = await Promise.race([open(), stopped]);
        if (stopping.signal.aborted) break;
        if (session) {
          if (said !== undefined) connection.log?.info(`${name}: found again`);
          said = undefined;
          const end = await listen(connection, session, stopping.signal, stopped);
          if (end.heard) pauseMs = pauseMsMin;
          trouble = end.why;
        } else {
          trouble = 'not there yet, waiting for it';
        }
      } catch (error) {
        trouble = reason(error);
      }
      if (stopping.signal.aborted) break;
      if (trouble !== said) connection.log?.warn(`${name}: ${trouble}`);
      said = trouble;
      await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  };

  const done = run();
  return {
    stop() {
      stopping.abort();
      return done;
    },
  };
}

async function listen(
  connection: Connection,
  session: Session,
  stopping: AbortSignal,
  stopped: Promise<undefined>,
): Promise<{ why: string; heard: boolean }> {
  let heard = false;
  let over = false;
  let finish: (why: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const off = connection.onState((state, detail) => state === 'lost' && finish(detail));
  const messages = await session.consumer.consume({
    max_messages: session.batch,
    expires: pullExpiresMs,
    idle_heartbeat: heartbeatMs,
    callback: (message) => {
      if (over) return;
      heard = true;
      const why = session.message(message);
      if (why === undefined) return;
      over = true;
      finish(why);
    },
  });
  void watch(messages, {
    idle: () => {
      if (!over) heard = true;
    },
    ended: finish,
  });
  void messages.closed().then((error) => finish(error instanceof Error ? reason(error) : 'its consumer was closed'));
  const checks = setInterval(() => {
    session.check?.().then(
      (why) => why !== undefined && finish(why),
      () => {},
    );
  }, checkEveryMs);

  const why = (await Promise.race([ended, stopped])) ?? 'stopped';
  over = true;
  off();
  clearInterval(checks);
  session.end?.(stopping.aborted);
  // Not waited for: it does not end while the connection is lost.
  void messages.close();
  return { why, heard };
}

async function watch(messages: ConsumerMessages, on: { idle(): void; ended(why: string): void }): Promise<void> {
  for await (const notification of messages.status()) {
    if (notification.type === 'heartbeat') on.idle();
    else if (endings.includes(notification.type)) on.ended(notification.type.replaceAll('_', ' '));
  }
}
