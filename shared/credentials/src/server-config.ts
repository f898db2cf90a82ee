import { join } from 'node:path';
import { renderAccounts } from './accounts.ts';
import type { Registry, Server } from './registry.ts';

/** What waits for a client that does not read; beyond it the client is cut off, and connects again (decision 0009). */
const pendingMaxBytes = 8 * 1024 * 1024;

/** Files that a server's folder holds. */
export const serverFiles = {
  config: 'nats.conf',
  certificate: 'server.crt',
  key: 'server.key',
  authority: 'ca.crt',
  pid: 'nats.pid',
} as const;

/** Seconds for a handshake; 2 without it, which a client that starts on a busy machine may exceed. */
const handshakeMaxS = 10;

/**
 * The configuration of one nats-server (docs.nats.io, Configuration), complete and the same whoever renders it. It holds
 * public keys and the names of files, nothing secret. Values are JSON, which its language takes.
 *
 * `sync_interval: always`: what was acknowledged is on the disk. Without it a machine that loses power forgets up to two
 * minutes of what its server acknowledged. `handshake_first`: a client speaks TLS from the first byte, so that nobody in
 * between can talk it out of it. Routes are for holders of the authority's certificates alone, in both directions.
 */
export function renderServerConfig(registry: Registry, server: Server): string {
  const others = registry.servers.filter(({ name }) => name !== server.name);
  const file = (name: keyof typeof serverFiles) => join(server.dir, serverFiles[name]);
  const certificates = { cert_file: file('certificate'), key_file: file('key'), ca_file: file('authority') };
  const sections = {
    server_name: server.name,
    listen: hostAndPort(server.address, server.clientPort),
    http: `127.0.0.1:${server.monitorPort}`,
    pid_file: file('pid'),
    max_pending: pendingMaxBytes,
    jetstream: { store_dir: server.store, sync_interval: 'always' },
    tls: { ...certificates, timeout: handshakeMaxS, handshake_first: true },
    ...(others.length === 0
      ? {}
      : {
          cluster: {
            name: 'fairway',
            listen: hostAndPort(server.address, server.routePort),
            routes: others.map(({ address, routePort }) => `nats-route://${hostAndPort(address, routePort)}`),
            tls: { ...certificates, timeout: handshakeMaxS, verify: true },
          },
        }),
    accounts: renderAccounts(registry.users),
  };
  const lines = Object.entries(sections).map(([name, value]) => `${name}: ${JSON.stringify(value, undefined, 2)}\n`);
  return `# Made by "fairway credentials"; what is changed here is lost with the next change there.\n${lines.join('')}`;
}

/** URLs for clients, as FAIRWAY_NATS takes them. */
export function serverUrls({ servers }: Registry): string[] {
  return servers.map(({ address, clientPort }) => `tls://${hostAndPort(address, clientPort)}`);
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
