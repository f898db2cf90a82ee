import type { Message, Stoppable } from '../bus.ts';
import type { Connection } from './connection.ts';
import { isStreamMissing } from './failure.ts';
import { messageOf } from './message.ts';
import { readInOrder } from './ordered.ts';

/** Reads a stream's last message on each subject, then each new one. */
export function tailStream(
  connection: Connection,
  stream: string,
  pattern: string,
  handle: (message: Message & { sequence: number }) => void,
): Stoppable {
  return readInOrder(connection, {
    name: `tail ${stream}`,
    stream,
    filter: pattern,
    // A stream made anew has another time of creation; it survives restarts.
    identify: () =>
      connection.askAgain(`look at ${stream}`, async () => {
        try {
          return (await connection.manager.streams.info(stream)).created;
        } catch (error) {
          if (isStreamMissing(error)) return undefined;
          throw error;
        }
      }),
    message(message) {
      handle({ ...messageOf(message), sequence: message.seq });
    },
  });
}
