import { expect, test } from 'vitest';
import { newRegistry, type Server, withUser } from './registry.ts';
import { renderServerConfig, serverUrls } from './server-config.ts';

const server = (n: number, address: string): Server => ({
  name: `s${n}`,
  address,
  clientPort: 4222,
  routePort: 6222,
  monitorPort: 8222,
  dir: '/etc/nats',
  store: '/var/lib/nats',
});
const three = newRegistry([server(1, '10.0.0.1'), server(2, 'two.example'), server(3, 'fd00::3')]);
const key = { publicKey: 'UABC', madeAt: '2026-11-26T00:00:00.000Z' };

/** A section of the rendered text, which is JSON behind its name. */
function section(text: string, name: string): unknown {
  const from = text.indexOf(`\n${name}: `) + name.length + 3;
  const next = /\n[a-z_]+: /.exec(text.slice(from));
  return JSON.parse(text.slice(from, next ? from + next.index : undefined));
}

test('a server syncs before it acknowledges, speaks TLS from the first byte, and knows the others by certificate', () => {
  const text = renderServerConfig(three, server(2, 'two.example'));
  const certificates = {
    cert_file: '/etc/nats/server.crt',
    key_file: '/etc/nats/server.key',
    ca_file: '/etc/nats/ca.crt',
  };
  expect(section(text, 'jetstream')).toEqual({ store_dir: '/var/lib/nats', sync_interval: 'always' });
  expect(section(text, 'tls')).toEqual({ ...certificates, timeout: 10, handshake_first: true });
  expect(section(text, 'cluster')).toEqual({
    name: 'fairway',
    listen: 'two.example:6222',
    routes: ['nats-route://10.0.0.1:6222', 'nats-route://[fd00::3]:6222'],
    tls: { ...certificates, timeout: 10, verify: true },
  });
  expect(section(text, 'http')).toBe('127.0.0.1:8222');
});

test('a single server has no cluster', () => {
  expect(renderServerConfig(newRegistry([server(1, '10.0.0.1')]), server(1, '10.0.0.1'))).not.toContain('\ncluster: ');
});

test('clients are told TLS', () => {
  expect(serverUrls(three)).toEqual(['tls://10.0.0.1:4222', 'tls://two.example:4222', 'tls://[fd00::3]:4222']);
});

test('streams are in the account of deciders, in which nobody else is', () => {
  const users = (['node', 'manager', 'decider', 'console', 'sentinel'] as const).reduce(
    (held, role) => withUser(held, { name: role, role }, { ...key, publicKey: `U${role}` }),
    three,
  );
  const accounts = section(renderServerConfig(users, server(1, '10.0.0.1')), 'accounts') as Record<
    string,
    {
      jetstream?: string;
      users: { nkey: string }[];
      exports: Record<string, unknown>[];
      imports: Record<string, unknown>[];
    }
  >;
  expect(
    Object.entries(accounts).map(([name, held]) => [name, held.jetstream, held.users.map(({ nkey }) => nkey)]),
  ).toEqual([
    ['FAIRWAY', 'enabled', ['Udecider']],
    ['NODES', undefined, ['Unode', 'Umanager']],
    ['CONSOLES', undefined, ['Uconsole']],
    ['SENTINELS', undefined, ['Usentinel']],
  ]);
  // Nothing is lent to everybody, and nothing that changes what is stored but for whether nodes can be reached.
  for (const { exports } of Object.values(accounts)) {
    for (const one of exports) expect(one.accounts, JSON.stringify(one)).not.toEqual([]);
  }
  const lent = accounts.FAIRWAY?.exports.map(({ service }) => `${service}`);
  expect(lent?.filter((subject) => /^\$KV\.fairway-mesh|STREAM\.(CREATE|UPDATE|DELETE|PURGE)/.test(subject))).toEqual([
    '$KV.fairway-mesh.reach.*',
  ]);
});
