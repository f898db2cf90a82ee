import type { Socket } from 'node:net';

/** For tests: what somebody who dials a server, and sends it something, hears until it is closed, or 5 s long. */
export function hears(socket: Socket, sent = ''): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const end = () => {
      socket.destroy();
      resolve(heard);
    };
    socket.setTimeout(5_000, end);
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', ({ message }) => {
      heard += message;
    });
    socket.on('close', end);
    socket.write(sent);
  });
}
