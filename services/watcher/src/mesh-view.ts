import { type Endpoint, endpointState, hasEnded, type Mesh, type ServiceSpec } from '@fairway/mesh';

/** Something that the mesh holds and has not removed, with the `Version.Index` that it was told last. */
export type HeldObject = { readonly id: string; readonly index: number };

/** A task, and whether the mesh was told that it is not wanted any more. */
type HeldTask = HeldObject & { readonly released: boolean };

/**
 * A service as the mesh was told of it, and the highest `Version.Index` of any task of it that the mesh was told of, there
 * still or not.
 */
type HeldService = { readonly spec: ServiceSpec; readonly seen: number };

/** A container as its node told of it last; without a reading the mesh was told nothing. */
export type HeldContainerWord = Pick<Endpoint, 'container' | 'incarnation' | 'tick'>;

/**
 * What the mesh holds, as a watcher needs to know it: that Docker has something no more is only noticed by those who
 * ask for it. Everything answers for the present; a mesh that is not known yet holds nothing.
 */
export type MeshView = {
  /** Whether a complete listing of this epoch has been folded in. */
  isComplete(epoch: string): boolean;
  services(): Iterable<HeldObject>;
  service(id: string): HeldService | undefined;
  /** Whether the mesh was told that the object is no more. */
  isRemoved(kind: 'service' | 'node' | 'network', id: string): boolean;
  tasks(service: string): Iterable<HeldTask>;
  /** What the mesh was told last of the container of a node's task; undefined where it has no such task. */
  container(node: string, service: string, task: string): HeldContainerWord | undefined;
  nodes(): Iterable<HeldObject>;
  networks(): Iterable<HeldObject>;
  /** Tasks of a node that the mesh which is being acted on takes for alive, be it one kept from before a bus was lost. */
  liveTasks(node: string): Iterable<{ readonly task: string; readonly service: string }>;
};

/** What a replica of the mesh has: the bucket's present one, complete or not, and the one that is acted on. */
export type Meshes = { readonly current: Mesh | undefined; readonly mesh: Mesh };

/**
 * The view of a replica, read anew each time: of its present mesh, but for the live tasks, which are those of the mesh
 * that is acted on. That is another one while the bus cannot be reached, or holds a mesh that is not complete.
 */
export function meshView(replica: Meshes): MeshView {
  const read = () => replica.current;
  const service = (id: string) => {
    const held = read()?.services.get(id);
    return held?.removedMs === undefined ? held : undefined;
  };
  return {
    isComplete: (epoch) => read()?.generation.epoch === epoch && read()?.complete === true,
    services: () =>
      [...(read()?.services.values() ?? [])].flatMap(({ spec, removedMs }) =>
        removedMs === undefined ? [{ id: spec.id, index: spec.index }] : [],
      ),
    service(id) {
      const held = service(id);
      return held && { spec: held.spec, seen: held.seen };
    },
    isRemoved: (kind, id) => read()?.[`${kind}s`].get(id)?.removedMs !== undefined,
    tasks: (id) =>
      (service(id)?.endpoints ?? [])
        .filter((endpoint) => !hasEnded(endpoint))
        .map(({ task, index, claim }) => ({ id: task, index, released: claim === 'released' })),
    container: (node, id, task) =>
      service(id)?.endpoints.find((endpoint) => endpoint.task === task && endpoint.node === node),
    nodes: () =>
      [...(read()?.nodes ?? [])].flatMap(([id, node]) =>
        node.removedMs === undefined ? [{ id, index: node.claim?.index ?? 0 }] : [],
      ),
    networks: () => [...(read()?.networks.values() ?? [])].filter(({ removedMs }) => removedMs === undefined),
    liveTasks: (node) =>
      [...replica.mesh.services.values()].flatMap(({ spec, endpoints, removedMs }) =>
        removedMs !== undefined
          ? []
          : endpoints
              .filter((endpoint) => endpoint.node === node && !notLive.has(endpointState(endpoint)))
              .map(({ task }) => ({ task, service: spec.id })),
      ),
  };
}

/** What has ended, or of which no one has said that it began. */
const notLive = new Set(['waiting', 'gone']);
