import { connect } from 'node:net';
import type { Message } from '../bus.ts';

/**
 * Sends a message as fast as a server takes it, by NATS's own protocol (docs.nats.io, Client Protocol), until it is told to
 * end: for tests.
 */
export function flood(url: string, { subject, text }: Message): () => void {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const one = `PUB ${subject} ${Buffer.byteLength(text)}\r\n${text}\r\n`;
  const many = one.repeat(1_000);
  const send = () => {
    while (socket.writable && socket.write(many));
  };
  socket.on('data', (said) => said.includes('PING') && socket.write('PONG\r\n'));
  socket.on('drain', send);
  socket.on('error', () => {});
  socket.write('CONNECT {"verbose":false}\r\n');
  send();
  return () => socket.destroy();
}
