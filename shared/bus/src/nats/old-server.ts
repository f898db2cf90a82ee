import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** For tests: what greets as a nats-server that is older than Fairway needs, and answers pings. */
export async function openOldServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((socket) => {
    const info = { server_id: 'x', server_name: 'x', version: '2.9.10', proto: 1, go: 'x', max_payload: 1_048_576 };
    socket.write(`INFO ${JSON.stringify({ ...info, host: '127.0.0.1', port: 0, headers: true })}\r\n`);
    socket.on('data', (data) => data.includes('PING') && socket.write('PONG\r\n'));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `nats://127.0.0.1:${port}`,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
