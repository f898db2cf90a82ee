import Dockerode from 'dockerode';
import type * as z from 'zod';
import { type Docker, DockerMalformed, DockerRefused, type Listed, type Malformed } from './docker.ts';
import { openEvents } from './engine-events.ts';
import { get, request } from './engine-request.ts';
import * as schema from './engine-schema.ts';

/** Docker's own socket. */
export const dockerSocket = '/var/run/docker.sock';
/** Swarmkit's on a manager, in dockerd's exec-root (moby daemon/cluster/cluster.go, `controlSocket`). */
export const swarmkitSocket = '/var/run/docker/swarm/control.sock';

/** What does not fit is told of once, though each listing meets it again; this many are remembered. */
const toldMax = 1000;
const pingMaxMs = 5_000;

/** Docker Engine on a socket of this machine, through dockerode. Connecting asks nothing yet. */
export function connectDocker({
  socket = dockerSocket,
  swarmkit = swarmkitSocket,
}: {
  readonly socket?: string;
  readonly swarmkit?: string;
} = {}): Docker {
  const engine = new Dockerode({ socketPath: socket });
  const listeners: ((malformed: Malformed) => void)[] = [];
  const told = new Set<string>();

  const malformed = (name: string, error: z.ZodError, answer: unknown): DockerMalformed => {
    const reason = error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`)
      .join('; ');
    const note = { name, reason, text: shown(answer) };
    const what = JSON.stringify(note);
    if (!told.has(what)) {
      if (told.size >= toldMax) told.clear();
      told.add(what);
      for (const tell of listeners) tell(note);
    }
    return new DockerMalformed(note, { cause: error });
  };
  const read = <T extends z.ZodType>(shape: T, name: string, answer: unknown): z.output<T> => {
    const parsed = shape.safeParse(answer);
    if (!parsed.success) throw malformed(name, parsed.error, answer);
    return parsed.data;
  };
  const list = async <T extends z.ZodType>(
    shape: T,
    kind: string,
    ask: (abortSignal: AbortSignal) => Promise<unknown>,
  ): Promise<Listed<z.output<T>>> => {
    const answer = await request(`list ${kind}s`, ask);
    if (!Array.isArray(answer)) throw new DockerRefused(`list ${kind}s`, 200);
    const fit: z.output<T>[] = [];
    const aside: string[] = [];
    for (const item of answer) {
      const parsed = shape.safeParse(item);
      if (parsed.success) {
        fit.push(parsed.data);
        continue;
      }
      malformed(`${kind} ${idIn(item)}`, parsed.error, item);
      aside.push(idIn(item));
    }
    return { fit, aside };
  };
  const inspect = async <T extends z.ZodType>(
    shape: T,
    kind: string,
    id: string,
    ask: (abortSignal: AbortSignal) => Promise<unknown>,
  ): Promise<z.output<T> | undefined> => {
    try {
      return read(shape, `${kind} ${id}`, await request(`inspect ${kind} ${id}`, ask));
    } catch (error) {
      if (error instanceof DockerRefused && error.status === 404) return undefined;
      throw error;
    }
  };
  /** A node may have spoken of anything; what cannot be an id of Swarm's is none of its objects'. */
  const inspectOfSwarm = async <T extends z.ZodType>(
    shape: T,
    kind: 'service' | 'task' | 'node' | 'network',
    id: string,
  ): Promise<z.output<T> | undefined> =>
    swarmId.test(id)
      ? inspect(shape, kind, id, (abortSignal) => get(engine, `/${kind}s/${id}`, abortSignal))
      : undefined;
  const localNetwork = (name: string) =>
    inspect(schema.engineLocalNetwork, 'network', name, (abortSignal) => get(engine, `/networks/${name}`, abortSignal));
  const overlayNetworks = () =>
    list(schema.engineNetwork, 'network', (abortSignal) =>
      engine.listNetworks({ filters: { driver: ['overlay'], scope: ['swarm'] }, abortSignal }),
    );

  return {
    ping: async () => {
      await request('ping', (abortSignal) => get(engine, '/_ping', abortSignal), pingMaxMs);
    },
    info: async () => {
      const answer = await request('info', (abortSignal) => get(engine, '/info', abortSignal));
      const { Swarm, ServerVersion } = read(schema.engineInfo, 'info', answer);
      return {
        ...(ServerVersion ? { version: ServerVersion } : {}),
        ...(Swarm?.NodeID ? { node: Swarm.NodeID } : {}),
        ...(Swarm?.Cluster?.ID ? { swarm: Swarm.Cluster.ID } : {}),
        manager: Swarm?.ControlAvailable ?? false,
        state: Swarm?.LocalNodeState || 'inactive',
      };
    },
    // libnetwork deletes the default bridge network and makes it again, with a new id, whenever dockerd starts without
    // containers that outlived it (moby daemon/daemon_unix.go, `configureNetworking`), and no member of a swarm may let
    // them (`--live-restore` is refused). Tried with 20.10: a new id after SIGTERM and after SIGKILL, with a container
    // on the network; the same id over leaving and joining swarms. A daemon with `--bridge=none` has no such network;
    // there the ingress sandbox's endpoint serves, which is made anew with each start too (and when a node rejoins).
    daemon: async () => {
      const bridge = await localNetwork('bridge');
      if (bridge) return bridge.Id;
      return (await localNetwork('docker_gwbridge'))?.Containers[ingressSandbox]?.EndpointID;
    },
    ingressGateway: async () => (await localNetwork('docker_gwbridge'))?.Containers[ingressSandbox]?.IPv4Address,
    ingressAddress: async () => {
      const { fit } = await overlayNetworks();
      const ingress = fit.find((network) => network.Ingress);
      return ingress && (await localNetwork(ingress.Id))?.Containers[ingressSandbox]?.IPv4Address;
    },
    events: () => openEvents(engine, malformed),
    // On managers alone, and it takes 50 ms to load.
    taskChanges: async () => (await import('./swarmkit-watch.ts')).watchTasks(swarmkit),
    listContainers: () =>
      list(schema.engineContainerSummary, 'container', (abortSignal) =>
        engine.listContainers({ all: true, filters: { label: ['com.docker.swarm.task.id'] }, abortSignal }),
      ),
    inspectContainer: (id) =>
      inspect(schema.engineContainer, 'container', id, (abortSignal) =>
        get(engine, `/containers/${encodeURIComponent(id)}/json`, abortSignal),
      ),
    listServices: () => list(schema.engineService, 'service', (abortSignal) => engine.listServices({ abortSignal })),
    inspectService: (id) => inspectOfSwarm(schema.engineService, 'service', id),
    listTasks: (service) =>
      list(schema.engineTask, 'task', (abortSignal) =>
        engine.listTasks({ ...(service ? { filters: { service: [service] } } : {}), abortSignal }),
      ),
    inspectTask: (id) => inspectOfSwarm(schema.engineTask, 'task', id),
    listNodes: () => list(schema.engineNode, 'node', (abortSignal) => engine.listNodes({ abortSignal })),
    inspectNode: (id) => inspectOfSwarm(schema.engineNode, 'node', id),
    listNetworks: overlayNetworks,
    inspectNetwork: (id) => inspectOfSwarm(schema.engineNetwork, 'network', id),
    onMalformed: (listener) => listeners.push(listener),
  };
}

/**
 * 25 digits of base 36 (swarmkit identity/randomid.go, `NewID`). Docker takes anything else for a name or the beginning of an
 * id, and answers an error where several begin so (moby daemon/cluster/helpers.go, `getTask`).
 */
const swarmId = /^[0-9a-z]{25}$/;

/** What an object that does not fit calls itself; anything may stand there. */
function idIn(object: { readonly ID?: unknown; readonly Id?: unknown } | null): string {
  const id = object?.ID ?? object?.Id;
  return typeof id === 'string' ? id.slice(0, 64) : 'without an id';
}

/** The start of an answer, for people; one that is nested too deep for JSON is only named. */
function shown(answer: unknown): string {
  try {
    return (JSON.stringify(answer) ?? 'undefined').slice(0, 4096);
  } catch {
    return 'what cannot be written as JSON';
  }
}

/** libnetwork names the ingress sandbox's place among a network's containers so (sandbox.go, `ingressSandbox`). */
const ingressSandbox = 'ingress-sbox';
