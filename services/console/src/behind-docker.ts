import { isDeepStrictEqual } from 'node:util';
import type { BehindDocker, Service, ServiceInDocker, ServiceSpec } from '@fairway/mesh';

/**
 * What a manager's Docker has of a service that the mesh has not, or no more: facts that are under way, or that a bus
 * without a leader does not take yet. Indexes are no measure of it: most steps of an update raise them without a change that is told.
 */
export function behindDocker({ spec, endpoints }: Service, inDocker: ServiceInDocker | undefined): BehindDocker {
  if (!inDocker) return { unheard: ['the mesh to hear that Docker has it no more'] };
  const held = endpoints.filter(({ claim }) => claim === 'assigned' || claim === 'running').map(({ task }) => task);
  const unknown = [...new Set(inDocker.wanted).symmetricDifference(new Set(held))];
  return {
    index: inDocker.spec.index,
    unheard: [
      ...(isDeepStrictEqual(withoutIndex(spec), withoutIndex(inDocker.spec)) ? [] : ['the mesh to hear of its update']),
      ...(unknown.length > 0 ? [`the mesh to hear what Docker decided of ${countOf(unknown.length)}`] : []),
    ],
  };
}

function countOf(tasks: number): string {
  return tasks === 1 ? 'one of its tasks' : `${tasks} of its tasks`;
}

function withoutIndex({ index: _, ...spec }: ServiceSpec): Omit<ServiceSpec, 'index'> {
  return spec;
}
