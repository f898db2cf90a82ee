import {
  type Address,
  type Fact,
  type NetworkAddress,
  parseAddress,
  protocols,
  sights,
  updateStates,
} from '@fairway/mesh';
import * as z from 'zod';
import { further, list, shortList, texts } from './bounded.ts';
import { lengths } from './lengths.ts';
import { idPattern } from './subjects.ts';

/**
 * Schemas of everything that crosses the bus. Objects take fields that they do not know, so that a newer sender can
 * add some: those of what deciders store keep them, the others drop them. A value that does not fit is refused whole.
 */

export const id = z.string().regex(idPattern);
/** Names of services, nodes and networks, as people gave them. */
const name = z.string().min(1).max(lengths.name);
export const index = z.int().min(0);
/** Milliseconds since 1970, up to the last that a `Date` can tell (ECMA-262, 21.4.1.1). */
export const timeMs = z.int().min(0).max(8_640_000_000_000_000);
const portNumber = z.int().min(1).max(65535);

export const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: `not an IP address: ${JSON.stringify(text.slice(0, 64))}` });
  return z.NEVER;
});

/** So many tasks, containers or other things of a kind one message has at most: more than fit into 1 MiB. */
const itemsMax = 65_536;
/** A task has one on each of its networks, a service a virtual IP. */
export const addressesMax = 1024;

const networkAddress = z
  .object({ network: id, address: z.object({ text: address }) })
  .transform((held): NetworkAddress => ({ network: held.network, address: held.address.text }));

const publishedPort = z
  .object({ protocol: z.enum(protocols), first: portNumber, last: portNumber, target: portNumber })
  .refine((port) => port.first <= port.last && port.target + port.last - port.first <= 65535, 'not a range of ports');

export const incarnation = z.object({ boot: z.string().min(1).max(64), daemon: z.string().min(1).max(64) });
export const reading = z.object({ incarnation, tick: index });
/** What a node says of a container. */
export const containerLife = z.enum(['starting', 'running', 'unhealthy', 'stopping', 'dead']);

const labels = texts(1024, 256, 4096);

/** All port numbers of all protocols: what publishes more publishes some twice. */
const publishedMax = protocols.length * 65535;

// What deciders store as they were told it is handed on with fields that they do not know (decision 0012).
export const serviceSpec = z
  .object({
    id,
    name,
    index,
    mode: z.enum(['vip', 'dnsrr']),
    ports: list(publishedPort, 65535).refine(
      (ports) => ports.reduce((sum, { first, last }) => sum + last - first + 1, 0) <= publishedMax,
      'more ports than there are',
    ),
    vips: list(networkAddress, addressesMax),
    labels,
    replicas: z.int().min(0).exactOptional(),
    update: z.enum(updateStates).exactOptional(),
  })
  .catchall(further);

export const nodeClaim = z
  .object({
    id,
    name,
    index,
    role: z.enum(['manager', 'worker']),
    availability: z.enum(['active', 'pause', 'drain']),
    state: z.enum(['unknown', 'down', 'ready', 'disconnected']),
    labels,
  })
  .catchall(further);

export const network = z
  .object({
    id,
    name,
    index,
    ingress: z.boolean(),
    attachable: z.boolean(),
    internal: z.boolean(),
    encrypted: z.boolean(),
  })
  .catchall(further);

const taskClaim = z.object({
  id,
  node: id,
  index,
  claim: z.enum(['assigned', 'running', 'released']),
  addresses: shortList(networkAddress, addressesMax),
});

export const fact: z.ZodType<Fact> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('service'),
    spec: serviceSpec,
    tasks: list(taskClaim, itemsMax),
    partial: z.literal(true).exactOptional(),
    gone: list(id, itemsMax),
    confirmed: z.boolean(),
  }),
  z.object({ kind: z.literal('service-gone'), service: id }),
  z.object({ kind: z.literal('node'), node: nodeClaim, confirmed: z.boolean() }),
  z.object({ kind: z.literal('node-gone'), node: id }),
  z.object({ kind: z.literal('network'), network, confirmed: z.literal(true).exactOptional() }),
  z.object({ kind: z.literal('network-gone'), network: id }),
  z.object({
    kind: z.literal('container'),
    node: id,
    service: id,
    task: id,
    container: id,
    state: containerLife,
    reading,
  }),
  z.object({ kind: z.literal('swarm-listing'), listing: id, epoch: id }),
  z.object({
    kind: z.literal('node-listing'),
    listing: id,
    node: id,
    incarnation,
    tick: index,
    tasks: list(id, itemsMax),
    partial: z.literal(true).exactOptional(),
  }),
]);

/** So much of what has drifted is told. */
export const foundMax = 256;

const cause = z.object({
  trace: z.string().max(64),
  event: z.string().max(lengths.event),
  atMs: timeMs,
  after: index,
});
export const causes = list(cause, 64);

/** Three peers are asked at most; a later release may ask some more. */
export const votes = list(z.object({ peer: id, sight: z.enum(sights) }), 64);

export const note = z.object({ kind: z.enum(['waiting', 'refused']), about: name, why: z.string().max(lengths.why) });

export const outcome = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('applied'),
    from: index,
    to: index,
    durationMs: z.number().min(0),
    changes: z.object({ added: index, removed: index }),
    causes,
    notes: list(note, itemsMax),
  }),
  z.object({
    kind: z.literal('failed'),
    from: index,
    to: index,
    namespace: name,
    reason: z.string().max(lengths.reason),
    causes,
  }),
  z.object({ kind: z.literal('stale'), offered: index, held: index }),
  z.object({
    kind: z.enum(['drifted', 'repaired']),
    namespace: name,
    found: list(z.string().max(lengths.found), foundMax),
  }),
]);
