import type { NodeClaim } from '@fairway/mesh';
import type { EngineNode } from './engine-schema.ts';
import { wishes } from './translate-labels.ts';

/** What the managers say of a node. One that never reported a host name is called by its id. */
export function nodeClaim(node: EngineNode): NodeClaim {
  return {
    id: node.ID,
    name: node.Description?.Hostname || node.ID,
    index: node.Version.Index,
    role: node.Spec.Role,
    availability: node.Spec.Availability,
    state: node.Status.State,
    labels: wishes(node.Spec.Labels),
  };
}
