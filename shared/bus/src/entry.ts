import {
  type Cause,
  type Claim,
  type ContainerState,
  claims,
  containerStates,
  type Endpoint,
  type Incarnation,
  type Network,
  type Node,
  type Reach,
  type Service,
  type ServiceSpec,
  shardsMax,
} from '@fairway/mesh';
import * as z from 'zod';
import { further, list, shortList } from './bounded.ts';
import { parseText, Unreadable } from './parse-text.ts';
import { remembering } from './remembering.ts';
import * as schema from './schema.ts';
import { schemaVersion, version } from './version.ts';

/**
 * Entries of the mesh bucket. They are compact: 5,000 tasks written out at length made 1.84 MiB, and NATS refuses
 * messages above 1 MiB. An endpoint is an array whose node, network and incarnation are positions in lists kept beside
 * it, and stays below 120 bytes.
 *
 * A reader keeps what it does not know, as fields of the value that it gives, and a writer writes them back: an older
 * decider that changes an entry loses nothing of what a newer one said in it (decision 0012).
 */

/** A service's own entry: its spec and the first of `of` shards of its endpoints. */
export type ServiceEntry = Omit<Service, 'endpoints'> & {
  readonly of: number;
  readonly endpoints: readonly Endpoint[];
};
/** A further shard of a service's endpoints. */
export type ShardEntry = {
  readonly endpoints: readonly Endpoint[];
  readonly causes: readonly Cause[];
  /** The revision of the service's own entry that this division was made from. */
  readonly from?: number;
  /** It is being divided into so many: nothing is written to it any more. */
  readonly into?: number;
};
/** Written once per epoch, when everything up to the first complete manager listing is folded in. */
export type CompleteEntry = { readonly epoch: string; readonly listing: string };

type Packed = z.infer<typeof packed>;

const position = z.int().min(0);
/** More would not fit into an entry of 1 MiB. */
const endpointsMax = 32_768;
// What a newer release appends is kept in its place.
const packedEndpoint = z.tuple(
  [
    schema.id,
    position,
    z.enum(claims),
    schema.index,
    shortList(z.tuple([position, schema.address]), schema.addressesMax),
    z.enum(containerStates),
    z.int().min(-1),
    z.int().min(-1),
    schema.timeMs,
  ],
  further,
);
const packed = z.object({
  nodes: list(schema.id, endpointsMax),
  networks: list(schema.id, endpointsMax),
  incarnations: list(schema.incarnation, endpointsMax),
  endpoints: list(packedEndpoint, endpointsMax),
});

const versioned = { schema: version };
const shards = z.int().min(1).max(shardsMax);
const removed = { removedMs: schema.timeMs.exactOptional() };
const serviceEntry = z
  .object({
    ...versioned,
    ...removed,
    spec: schema.serviceSpec,
    of: shards,
    causes: schema.causes,
    seen: schema.index,
    packed,
  })
  .catchall(further);
const shardEntry = z
  .object({
    ...versioned,
    from: schema.index.exactOptional(),
    into: shards.exactOptional(),
    causes: schema.causes,
    packed,
  })
  .catchall(further);
const nodeEntry = z
  .object({
    ...versioned,
    ...removed,
    claim: schema.nodeClaim.exactOptional(),
    incarnation: schema.incarnation.exactOptional(),
    tick: schema.index.exactOptional(),
    retired: list(z.string().max(64), 64),
    causes: schema.causes,
  })
  .catchall(further);
const reachEntry = z
  .object({
    ...versioned,
    state: z.enum(['up', 'down']),
    incarnation: schema.incarnation.exactOptional(),
    by: schema.id,
    votes: schema.votes,
    sinceMs: schema.timeMs,
    causes: schema.causes,
  })
  .catchall(further);
const networkEntry = schema.network.extend({ ...versioned, ...removed });
const completeEntry = z.object({ ...versioned, epoch: schema.id, listing: schema.id });

export function writeService(entry: ServiceEntry): string {
  const { endpoints, ...rest } = entry;
  return JSON.stringify({ schema: schemaVersion, ...rest, packed: pack(endpoints) });
}

/** @throws {Unreadable} when the entry does not parse or fit its schema; so do the other readers here. */
export const readService = remembering((key, text): ServiceEntry => {
  const { packed, schema: _, ...rest } = parseText(key, text, serviceEntry);
  return { ...rest, endpoints: unpack(key, packed) };
});

export function writeShard(entry: ShardEntry): string {
  const { endpoints, ...rest } = entry;
  return JSON.stringify({ schema: schemaVersion, ...rest, packed: pack(endpoints) });
}

export const readShard = remembering((key, text): ShardEntry => {
  const { packed, schema: _, ...rest } = parseText(key, text, shardEntry);
  return { ...rest, endpoints: unpack(key, packed) };
});

export function writeNode(node: Node): string {
  return JSON.stringify({ schema: schemaVersion, ...node });
}

export const readNode = remembering((key, text): Node => {
  const { schema: _, ...node } = parseText(key, text, nodeEntry);
  return node;
});

export function writeNetwork(network: Network): string {
  return JSON.stringify({ schema: schemaVersion, ...network });
}

export const readNetwork = remembering((key, text): Network => {
  const { schema: _, ...network } = parseText(key, text, networkEntry);
  return network;
});

export function writeReach(reach: Reach): string {
  return JSON.stringify({ schema: schemaVersion, ...reach });
}

export const readReach = remembering((key, text): Reach => {
  const { schema: _, ...reach } = parseText(key, text, reachEntry);
  return reach;
});

export function writeComplete(entry: CompleteEntry): string {
  return JSON.stringify({ schema: schemaVersion, ...entry });
}

export function readComplete(key: string, text: string): CompleteEntry {
  const { epoch, listing } = parseText(key, text, completeEntry);
  return { epoch, listing };
}

/** A list that gives each distinct value one position. */
function positions<T>(list: T[], nameOf: (value: T) => string): (value: T) => number {
  const held = new Map<string, number>();
  return (value) => {
    const name = nameOf(value);
    const at = held.get(name) ?? list.push(value) - 1;
    held.set(name, at);
    return at;
  };
}

function pack(endpoints: readonly Endpoint[]) {
  const nodes: string[] = [];
  const networks: string[] = [];
  const incarnations: Incarnation[] = [];
  const node = positions(nodes, (id) => id);
  const network = positions(networks, (id) => id);
  const incarnation = positions(incarnations, ({ boot, daemon }) => JSON.stringify([boot, daemon]));
  return {
    nodes,
    networks,
    incarnations,
    endpoints: endpoints.map((endpoint) => [
      endpoint.task,
      node(endpoint.node),
      endpoint.claim,
      endpoint.index,
      endpoint.addresses.map((held) => [network(held.network), held.address.text]),
      endpoint.container,
      endpoint.incarnation ? incarnation(endpoint.incarnation) : -1,
      endpoint.tick ?? -1,
      endpoint.sinceMs,
      ...(endpoint.further ?? []),
    ]),
  };
}

function unpack(key: string, held: Packed): Endpoint[] {
  const at = <T>(list: readonly T[], position: number): T => {
    const value = list[position];
    if (value === undefined) throw new Unreadable(key, `position ${position} in a list of ${list.length}`);
    return value;
  };
  return held.endpoints.map(
    ([task, node, claim, index, addresses, container, incarnation, tick, sinceMs, ...further]) => ({
      task,
      node: at(held.nodes, node),
      claim: claim satisfies Claim,
      index,
      addresses: addresses.map(([network, address]) => ({ network: at(held.networks, network), address })),
      container: container satisfies ContainerState,
      ...(incarnation < 0 ? {} : { incarnation: at(held.incarnations, incarnation), tick: Math.max(tick, 0) }),
      sinceMs,
      ...(further.length > 0 ? { further } : {}),
    }),
  );
}

/** A spec of a service of which nothing is known but that it was removed. */
export function unknownSpec(id: string): ServiceSpec {
  return { id, name: id, index: 0, mode: 'vip', ports: [], vips: [], labels: {} };
}
