import { type Identity, type Role, roles } from '@fairway/bus';
import * as z from 'zod';
import { KeyNotRotated, NameInvalid, NameTaken, NameUnknown, NotANode, ServersInvalid } from './failures.ts';

/** A public key, and since when. The seed that it belongs to is in its owner's file alone. */
export type PublicKey = { readonly publicKey: string; readonly madeAt: string };

/** Somebody who may connect: with one key, and with two while it is being rotated. */
export type User = Identity & { readonly keys: readonly PublicKey[] };

/** A nats-server of the cluster. */
export type Server = {
  readonly name: string;
  /** Address or host name at which clients and the other servers reach it. */
  readonly address: string;
  readonly clientPort: number;
  readonly routePort: number;
  /** On its own loopback alone: it tells whoever asks what goes on. */
  readonly monitorPort: number;
  /** Where it finds its certificate and the authority's. */
  readonly dir: string;
  /** Where JetStream keeps what it stores. */
  readonly store: string;
};

/** Who may connect to which servers. Holds nothing secret. */
export type Registry = { readonly format: 1; readonly servers: readonly Server[]; readonly users: readonly User[] };

const port = z.int().min(1).max(65535);
// Of a name's form, as it is a token of subjects and a file's name.
const nameForm = /^[A-Za-z0-9_-]{1,64}$/;
const addressForm = /^[A-Za-z0-9.:-]{1,253}$/;

/** How the registry is kept. */
export const registrySchema = z.object({
  format: z.literal(1),
  servers: z.array(
    z.object({
      name: z.string().regex(nameForm),
      address: z.string().regex(addressForm),
      clientPort: port,
      routePort: port,
      monitorPort: port,
      dir: z.string(),
      store: z.string(),
    }),
  ),
  users: z.array(
    z.object({
      name: z.string().regex(nameForm),
      role: z.enum(roles),
      keys: z.array(z.object({ publicKey: z.string(), madeAt: z.string() })),
    }),
  ),
}) satisfies z.ZodType<Registry>;

/**
 * A registry that knows nobody yet.
 * @throws {ServersInvalid} when there is none, or two share a name, or a port that others reach
 */
export function newRegistry(servers: readonly Server[]): Registry {
  const names = new Set(servers.map(({ name }) => name));
  if (servers.length === 0 || names.size < servers.length) {
    throw new ServersInvalid('name one server at least, each by a name of its own');
  }
  const places = servers.flatMap(({ address, clientPort, routePort }) =>
    [clientPort, routePort].map((one) => `${address}:${one}`),
  );
  const twice = places.find((place, at) => places.indexOf(place) !== at);
  if (twice !== undefined) throw new ServersInvalid(`${twice} is named twice`);
  for (const { name, address } of servers) {
    if (!nameForm.test(name)) throw new NameInvalid(name);
    if (!addressForm.test(address)) throw new ServersInvalid(`${address} is no address and no host name`);
  }
  return { format: 1, servers, users: [] };
}

/** @throws {NameUnknown} */
export function userNamed({ users }: Registry, name: string): User {
  const found = users.find((user) => user.name === name);
  if (!found) {
    throw new NameUnknown(
      name,
      users.map((user) => user.name),
    );
  }
  return found;
}

/** @throws {NameInvalid, NameTaken} */
export function withUser(registry: Registry, { name, role }: Identity, key: PublicKey): Registry {
  if (!nameForm.test(name)) throw new NameInvalid(name);
  if (registry.users.some((user) => user.name === name)) throw new NameTaken(name);
  return { ...registry, users: [...registry.users, { name, role, keys: [key] }] };
}

/** The node is a manager now, or a worker. @throws {NameUnknown, NotANode} */
export function withNodeRole(registry: Registry, name: string, role: Extract<Role, 'node' | 'manager'>): Registry {
  const user = userNamed(registry, name);
  if (user.role !== 'node' && user.role !== 'manager') throw new NotANode(name, user.role);
  return replaced(registry, { ...user, role });
}

/** A new key beside those that are there. @throws {NameUnknown} */
export function withKey(registry: Registry, name: string, key: PublicKey): Registry {
  const user = userNamed(registry, name);
  return replaced(registry, { ...user, keys: [...user.keys, key] });
}

/** Only this key is left. @throws {NameUnknown}; {KeyNotRotated} where no other key is, or this one is not known */
export function withOnlyKey(registry: Registry, name: string, publicKey: string): Registry {
  const user = userNamed(registry, name);
  const kept = user.keys.filter((key) => key.publicKey === publicKey);
  if (kept.length === 0 || user.keys.length === 1) throw new KeyNotRotated(name);
  return replaced(registry, { ...user, keys: kept });
}

/** @throws {NameUnknown} */
export function withoutUser(registry: Registry, name: string): Registry {
  userNamed(registry, name);
  return { ...registry, users: registry.users.filter((user) => user.name !== name) };
}

function replaced(registry: Registry, user: User): Registry {
  return { ...registry, users: registry.users.map((held) => (held.name === user.name ? user : held)) };
}
