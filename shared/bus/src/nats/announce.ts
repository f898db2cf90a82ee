import { setTimeout as pause } from 'node:timers/promises';
import type { Stoppable } from '../bus.ts';
import { headMessage } from '../head.ts';
import { readHead } from './bucket-stream.ts';
import type { Connection } from './connection.ts';

/** How often it is said where the bucket stands, ms. */
export const announceEveryMs = 1000;

/**
 * Says again and again where the bucket stands, as its leader knows it: who has less, or hears it no longer, has missed
 * something and asks. While the leader does not answer, nothing is said.
 */
export function announceHead(connection: Connection, bucket: string): Stoppable {
  const stopping = new AbortController();
  const run = async () => {
    while (!stopping.signal.aborted) {
      const head = await readHead(connection, bucket).catch(() => undefined);
      if (head && connection.connected && !stopping.signal.aborted) {
        const { subject, text } = headMessage(connection.sender, head);
        connection.nc.publish(subject, text);
      }
      await pause(announceEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
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
