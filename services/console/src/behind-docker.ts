import { isDeepStrictEqual } from 'node:util';
import type { BehindDocker, Mesh, Service, ServiceInDocker, ServiceSpec } from '@fairway/mesh';

/** The service of this name, where the mesh has one. */
export function serviceNamed(mesh: Mesh, name: string): Service | undefined {
  return [...mesh.services.values()].find(({ spec, removedMs }) => spec.name === name && removedMs === undefined);
}

/**
 * What a manager's Docker has of a service that the mesh has not, or no more: facts that are under way, or that a bus
 * without a leader does not take yet. Indexes are no measure of it: most steps of an update raise them without a change
 * that is told.
 */
export function behindDocker({ spec, endpoints }: Service, inDocker: ServiceInDocker | undefined): BehindDocker {
  if (!inDocker) return { unheard: ['the mesh to hear that Docker has it no more'] };
  const held = endpoints.filter(({ claim }) => claim === 'assigned' || claim === 'running').map(({ task }) => task);
  const unread = new Set(inDocker.unread);
  const unknown = [...new Set(inDocker.wanted).symmetricDifference(new Set(held))].filter((task) => !unread.has(task));
  return {
    index: inDocker.spec.index,
    unheard: [
      ...(isDeepStrictEqual(askedFor(spec), askedFor(inDocker.spec)) ? [] : ['the mesh to hear of its update']),
      ...(unknown.length > 0 ? [`the mesh to hear what Docker decided of ${countOf(unknown.length)}`] : []),
    ],
  };
}

function countOf(tasks: number): string {
  return tasks === 1 ? 'one of its tasks' : `${tasks} of its tasks`;
}

/** What this release knows of it: a manager of another one may say more, or less, than who told the mesh (decision 0012). */
function askedFor({ name, mode, ports, vips, labels, replicas, update }: ServiceSpec) {
  return { name, mode, ports, vips, labels, replicas, update } satisfies {
    [Field in Exclude<keyof ServiceSpec, 'id' | 'index'>]-?: unknown;
  };
}
