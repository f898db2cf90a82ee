import { type Address, type Fact, type NetworkAddress, parseAddress, protocols, updateStates } from '@fairway/mesh';
import * as z from 'zod';

/**
 * Schemas of everything that crosses the bus. Objects drop fields that they do not know, so that a newer sender can
 * add some; a value that does not fit is refused whole.
 */

/** Ids become subject tokens and keys: no dots, no wildcards, no spaces. Swarm's are 25 letters and digits. */
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
/** Names of services, nodes and networks, as people gave them. */
const name = z.string().min(1).max(256);
export const index = z.int().min(0);
export const timeMs = z.int().min(0);
const portNumber = z.int().min(1).max(65535);

export const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: `not an IP address: ${JSON.stringify(text.slice(0, 64))}` });
  return z.NEVER;
});

const networkAddress = z
  .object({ network: id, address: z.object({ text: address }) })
  .transform((held): NetworkAddress => ({ network: held.network, address: held.address.text }));

const publishedPort = z
  .object({ protocol: z.enum(protocols), first: portNumber, last: portNumber, target: portNumber })
  .refine((port) => port.first <= port.last && port.target + port.last - port.first <= 65535, 'not a range of ports');

export const incarnation = z.object({ boot: z.string().min(1).max(64), daemon: z.string().min(1).max(64) });
const reading = z.object({ incarnation, tick: index });

const labels = z.record(z.string().max(256), z.string().max(4096));

export const serviceSpec = z.object({
  id,
  name,
  index,
  mode: z.enum(['vip', 'dnsrr']),
  ports: z.array(publishedPort).max(65535),
  vips: z.array(networkAddress).max(1024),
  labels,
  replicas: z.int().min(0).exactOptional(),
  update: z.enum(updateStates).exactOptional(),
});

export const nodeClaim = z.object({
  id,
  name,
  index,
  role: z.enum(['manager', 'worker']),
  availability: z.enum(['active', 'pause', 'drain']),
  state: z.enum(['unknown', 'down', 'ready', 'disconnected']),
  labels,
});

export const network = z.object({
  id,
  name,
  index,
  ingress: z.boolean(),
  attachable: z.boolean(),
  internal: z.boolean(),
  encrypted: z.boolean(),
});

const taskClaim = z.object({
  id,
  node: id,
  index,
  claim: z.enum(['assigned', 'running', 'released']),
  addresses: z.array(networkAddress).max(1024),
});

export const fact: z.ZodType<Fact> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('service'),
    spec: serviceSpec,
    tasks: z.array(taskClaim),
    partial: z.literal(true).exactOptional(),
    gone: z.array(id),
    confirmed: z.boolean(),
  }),
  z.object({ kind: z.literal('service-gone'), service: id }),
  z.object({ kind: z.literal('node'), node: nodeClaim, confirmed: z.boolean() }),
  z.object({ kind: z.literal('node-gone'), node: id }),
  z.object({ kind: z.literal('network'), network }),
  z.object({ kind: z.literal('network-gone'), network: id }),
  z.object({
    kind: z.literal('container'),
    node: id,
    service: id,
    task: id,
    container: id,
    state: z.enum(['starting', 'running', 'unhealthy', 'stopping', 'dead']),
    reading,
  }),
  z.object({ kind: z.literal('swarm-listing'), listing: id, epoch: id }),
  z.object({ kind: z.literal('node-listing'), listing: id, node: id, incarnation, tick: index, tasks: z.array(id) }),
]);

const cause = z.object({
  trace: z.string().max(64),
  event: z.string().max(256),
  atMs: timeMs,
  after: index,
});
export const causes = z.array(cause).max(64);

export const note = z.object({ kind: z.enum(['waiting', 'refused']), about: name, why: z.string().max(1024) });

export const outcome = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('applied'),
    from: index,
    to: index,
    durationMs: z.number().min(0),
    changes: z.object({ added: index, removed: index }),
    causes,
    notes: z.array(note),
  }),
  z.object({
    kind: z.literal('failed'),
    from: index,
    to: index,
    namespace: name,
    reason: z.string().max(4096),
    causes,
  }),
  z.object({ kind: z.literal('stale'), offered: index, held: index }),
  z.object({ kind: z.enum(['drifted', 'repaired']), namespace: name, found: z.array(z.string().max(256)).max(256) }),
]);
