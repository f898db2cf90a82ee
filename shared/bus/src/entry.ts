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
  type Service,
  type ServiceSpec,
} from '@fairway/mesh';
import * as z from 'zod';
import { explain, schemaVersion, Unreadable } from './envelope.ts';
import * as schema from './schema.ts';

/**
 * Entries of the mesh bucket. They are compact: 5,000 tasks written out at length made 1.84 MiB, and NATS refuses
 * messages above 1 MiB. An endpoint is an array whose node, network and incarnation are positions in lists kept beside
 * it, and stays below 120 bytes.
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
// What a newer version appends is left out, as unknown fields of objects are.
const packedEndpoint = z.tuple(
  [
    schema.id,
    position,
    z.enum(claims),
    schema.index,
    z.array(z.tuple([position, schema.address])),
    z.enum(containerStates),
    z.int().min(-1),
    z.int().min(-1),
    schema.timeMs,
  ],
  z.unknown(),
);
const packed = z.object({
  nodes: z.array(schema.id),
  networks: z.array(schema.id),
  incarnations: z.array(schema.incarnation),
  endpoints: z.array(packedEndpoint),
});

const version = { schema: z.literal(schemaVersion) };
const shards = z.int().min(1).max(1024);
const removed = { removedMs: schema.timeMs.exactOptional() };
const serviceEntry = z.object({
  ...version,
  ...removed,
  spec: schema.serviceSpec,
  of: shards,
  causes: schema.causes,
  seen: schema.index,
  packed,
});
const shardEntry = z.object({
  ...version,
  from: schema.index.exactOptional(),
  into: shards.exactOptional(),
  causes: schema.causes,
  packed,
});
const nodeEntry = z.object({
  ...version,
  ...removed,
  claim: schema.nodeClaim.exactOptional(),
  incarnation: schema.incarnation.exactOptional(),
  tick: schema.index.exactOptional(),
  retired: z.array(z.string().max(64)).max(64),
  causes: schema.causes,
});
const networkEntry = schema.network.extend({ ...version, ...removed });
const completeEntry = z.object({ ...version, epoch: schema.id, listing: schema.id });

export function writeService(entry: ServiceEntry): string {
  const { endpoints, ...rest } = entry;
  return JSON.stringify({ schema: schemaVersion, ...rest, packed: pack(endpoints) });
}

/** @throws {Unreadable} when the entry does not parse or fit its schema; so do the other readers here. */
export function readService(key: string, text: string): ServiceEntry {
  const { packed, schema: _, ...rest } = read(key, text, serviceEntry);
  return { ...rest, endpoints: unpack(key, packed) };
}

export function writeShard(entry: ShardEntry): string {
  const { endpoints, ...rest } = entry;
  return JSON.stringify({ schema: schemaVersion, ...rest, packed: pack(endpoints) });
}

export function readShard(key: string, text: string): ShardEntry {
  const { packed, schema: _, ...rest } = read(key, text, shardEntry);
  return { ...rest, endpoints: unpack(key, packed) };
}

export function writeNode(node: Node): string {
  return JSON.stringify({ schema: schemaVersion, ...node });
}

export function readNode(key: string, text: string): Node {
  const { schema: _, ...node } = read(key, text, nodeEntry);
  return node;
}

export function writeNetwork(network: Network): string {
  return JSON.stringify({ schema: schemaVersion, ...network });
}

export function readNetwork(key: string, text: string): Network {
  const { schema: _, ...network } = read(key, text, networkEntry);
  return network;
}

export function writeComplete(entry: CompleteEntry): string {
  return JSON.stringify({ schema: schemaVersion, ...entry });
}

export function readComplete(key: string, text: string): CompleteEntry {
  const { epoch, listing } = read(key, text, completeEntry);
  return { epoch, listing };
}

function read<T>(key: string, text: string, shape: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Unreadable(key, 'not JSON', { cause });
  }
  const parsed = shape.safeParse(json);
  if (!parsed.success) throw new Unreadable(key, explain(parsed.error));
  return parsed.data;
}

/** A list that gives each distinct value one position. */
function positions<T>(list: T[], same: (a: T, b: T) => boolean = (a, b) => a === b): (value: T) => number {
  return (value) => {
    const at = list.findIndex((held) => same(held, value));
    return at >= 0 ? at : list.push(value) - 1;
  };
}

function pack(endpoints: readonly Endpoint[]) {
  const nodes: string[] = [];
  const networks: string[] = [];
  const incarnations: Incarnation[] = [];
  const node = positions(nodes);
  const network = positions(networks);
  const incarnation = positions(incarnations, (a, b) => a.boot === b.boot && a.daemon === b.daemon);
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
    ]),
  };
}

function unpack(key: string, held: Packed): Endpoint[] {
  const at = <T>(list: readonly T[], position: number): T => {
    const value = list[position];
    if (value === undefined) throw new Unreadable(key, `position ${position} in a list of ${list.length}`);
    return value;
  };
  return held.endpoints.map(([task, node, claim, index, addresses, container, incarnation, tick, sinceMs]) => ({
    task,
    node: at(held.nodes, node),
    claim: claim satisfies Claim,
    index,
    addresses: addresses.map(([network, address]) => ({ network: at(held.networks, network), address })),
    container: container satisfies ContainerState,
    ...(incarnation < 0 ? {} : { incarnation: at(held.incarnations, incarnation), tick: Math.max(tick, 0) }),
    sinceMs,
  }));
}

/** A spec of a service of which nothing is known but that it was removed. */
export function unknownSpec(id: string): ServiceSpec {
  return { id, name: id, index: 0, mode: 'vip', ports: [], vips: [], labels: {} };
}
