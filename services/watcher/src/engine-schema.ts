import { type Address, parseAddress, protocols } from '@fairway/mesh';
import * as z from 'zod';

/**
 * The Engine API's objects (https://docs.docker.com/reference/api/engine/), cut down to what Fairway reads. Go writes
 * empty lists and maps as `null` or leaves them out, so each of those is taken for empty.
 */

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const index = z.object({ Index: z.int().min(0) });

const orEmptyList = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((list) => list ?? []);
const map = z
  .record(z.string(), z.string())
  .nullish()
  .transform((held) => held ?? {});

/** An address, mostly with a prefix length. Docker writes an empty one where it has given none. */
const address = z
  .string()
  .optional()
  .transform((text, context): Address | undefined => {
    if (!text) return undefined;
    const parsed = parseAddress(text);
    if (!parsed)
      context.addIssue({ code: 'custom', message: `not an IP address: ${JSON.stringify(text.slice(0, 64))}` });
    return parsed;
  });

const endpointMode = z.enum(['vip', 'dnsrr']);
const port = z.object({
  Protocol: z.enum(protocols).default('tcp'),
  TargetPort: z.int().min(1).max(65535),
  PublishedPort: z.int().min(0).max(65535).default(0),
  PublishMode: z.enum(['ingress', 'host']).default('ingress'),
});

export const engineService = z.object({
  ID: id,
  Version: index,
  Spec: z.object({
    Name: z.string().min(1),
    Labels: map,
    Mode: z.object({ Replicated: z.object({ Replicas: z.int().min(0).optional() }).optional() }).default({}),
    EndpointSpec: z.object({ Mode: endpointMode.optional() }).nullish(),
  }),
  Endpoint: z
    .object({
      Spec: z.object({ Mode: endpointMode.optional() }).nullish(),
      Ports: orEmptyList(port),
      VirtualIPs: orEmptyList(z.object({ NetworkID: id, Addr: address })),
    })
    .default({ Spec: null, Ports: [], VirtualIPs: [] }),
  UpdateStatus: z.object({ State: z.string().optional() }).nullish(),
});
export type EngineService = z.output<typeof engineService>;

/** Swarm's task states in their order (swarmkit api/types.proto, `TaskState`). */
export const taskStates = [
  'new',
  'allocated',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
  'complete',
  'shutdown',
  'failed',
  'rejected',
  'remove',
  'orphaned',
] as const;
const taskState = z.enum(taskStates);
export type TaskState = z.output<typeof taskState>;

export const engineTask = z.object({
  ID: id,
  Version: index,
  /** Absent for tasks of attached containers that belong to no service. */
  ServiceID: z.string().default(''),
  NodeID: z.string().default(''),
  DesiredState: taskState,
  Status: z.object({ State: taskState }),
  NetworksAttachments: orEmptyList(z.object({ Network: z.object({ ID: id }), Addresses: orEmptyList(address) })),
});
export type EngineTask = z.output<typeof engineTask>;

export const engineNode = z.object({
  ID: id,
  Version: index,
  Spec: z.object({
    Labels: map,
    Role: z.enum(['manager', 'worker']),
    Availability: z.enum(['active', 'pause', 'drain']),
  }),
  Description: z.object({ Hostname: z.string().optional() }).nullish(),
  Status: z.object({ State: z.enum(['unknown', 'down', 'ready', 'disconnected']) }),
});
export type EngineNode = z.output<typeof engineNode>;

export const engineNetwork = z.object({
  Id: id,
  Name: z.string().min(1),
  Driver: z.string(),
  Scope: z.string(),
  Ingress: z.boolean().default(false),
  Attachable: z.boolean().default(false),
  Internal: z.boolean().default(false),
  Options: map,
});
export type EngineNetwork = z.output<typeof engineNetwork>;

/** The labels that swarmkit's agent puts on a task's container (moby daemon/cluster/executor/container/container.go). */
export const taskLabels = z.object({
  'com.docker.swarm.task.id': id,
  'com.docker.swarm.service.id': id,
  'com.docker.swarm.node.id': id,
});

/** moby container/state.go, `StateString`. */
const containerStatus = z.enum(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']);

export const engineContainerSummary = z.object({ Id: id, Labels: taskLabels, State: containerStatus });
export type EngineContainerSummary = z.output<typeof engineContainerSummary>;

export const engineContainer = z.object({
  Id: id,
  State: z.object({
    Status: containerStatus,
    Health: z.object({ Status: z.enum(['none', 'starting', 'healthy', 'unhealthy']) }).nullish(),
  }),
  Config: z.object({ StopSignal: z.string().nullish(), Labels: taskLabels }),
});
export type EngineContainer = z.output<typeof engineContainer>;

export const engineInfo = z.object({
  ServerVersion: z.string().optional(),
  Swarm: z
    .object({
      NodeID: z.string().optional(),
      LocalNodeState: z.string().optional(),
      ControlAvailable: z.boolean().optional(),
      Cluster: z.object({ ID: z.string() }).nullish(),
    })
    .nullish(),
});

/** A network as the node itself has it, with what is attached to it. */
export const engineLocalNetwork = z.object({
  Id: z.string().min(1),
  Containers: z
    .record(z.string(), z.object({ EndpointID: z.string(), IPv4Address: address }))
    .nullish()
    .transform((held) => held ?? {}),
});

export const engineEvent = z.object({
  Type: z.string(),
  Action: z.string(),
  scope: z.enum(['swarm', 'local']).default('local'),
  Actor: z.object({ ID: z.string(), Attributes: map }),
});
export type EngineEvent = z.output<typeof engineEvent>;
