import type { Message } from '../bus.ts';
import type { Connection } from './connection.ts';
import { insistOnWrite } from './hedge.ts';
import { headersOf } from './message.ts';

type Stored = Pick<Message, 'subject' | 'trace'> & { readonly payload: Uint8Array | string };

/** Stores a message in its subject's stream; an id that the stream has seen within its window is stored once. */
export async function store(connection: Connection, stored: Stored, id?: string): Promise<void> {
  const headers = headersOf(stored);
  const publish = async () => {
    const { seq } = await connection.jetstream.publish(stored.subject, stored.payload, {
      ...(id !== undefined && { msgID: id }),
      ...(headers && { headers }),
    });
    // Told again while most replicas are lost, an id counts as a repetition of what has no place in the stream yet, and may
    // never have (tried, nats-server 2.10.27).
    if (seq === 0) throw new Error('it waits for most of the servers, and is not stored yet');
  };
  await (id === undefined ? publish() : insistOnWrite(publish));
}
