import { once } from 'node:events';
import { connect } from 'node:net';
import { describe } from '@fairway/telemetry';
import type { Check } from './check.ts';

const limitMs = 2_000;
const natsPort = 4222;

/** Whether each server of the bus takes a connection from this node. */
export const busServersCheck: Check = {
  about: "the bus's servers",
  async look({ servers }) {
    const tried = await Promise.all(
      servers.map(async (server) => {
        const why = await refusalOf(server);
        if (why === undefined) return [];
        return [
          {
            kind: 'missing',
            where: 'bus',
            what: `${server} takes no connection from this node: ${why}`,
            breaks: 'this node hears of nothing once the servers that it does reach are gone',
            mend: 'start the server, or let its port through',
          } as const,
        ];
      }),
    );
    return tried.flat();
  },
};

/** Why a server takes no connection; undefined where it does. */
async function refusalOf(server: string): Promise<string | undefined> {
  const { hostname, port } = new URL(server.includes('://') ? server : `nats://${server}`);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || natsPort });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(limitMs) });
    return undefined;
  } catch (error) {
    return (error as Error).name === 'AbortError' ? `no answer within ${limitMs / 1000} s` : describe(error);
  } finally {
    socket.destroy();
  }
}
