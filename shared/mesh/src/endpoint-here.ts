import type { Address } from './address.ts';
import { type Endpoint, type EndpointState, endpointState, isWithdrawal } from './endpoint.ts';
import { isSameLife, sameIncarnation } from './incarnation.ts';
import type { Mesh } from './mesh.ts';
import type { Node } from './node.ts';
import type { WatchedFacts } from './own-facts.ts';

/** What a node sees of its own endpoints. */
export type Eyes = Pick<WatchedFacts, 'node' | 'incarnation' | 'containers'>;

/** What an endpoint is to this node: the mesh's word, corrected by its node's life and by the node's own eyes. */
export function stateHere(endpoint: Endpoint, mesh: Mesh, own: Eyes): EndpointState {
  const isOwn = endpoint.node === own.node;
  if (isLost(endpoint, mesh.nodes.get(endpoint.node)) || (!isOwn && isOutOfReach(endpoint.node, mesh, own)))
    return 'gone';
  // What an earlier life of this node held is gone, and its ticks mean nothing in this one.
  if (isOwn && own.incarnation && endpoint.incarnation && !sameIncarnation(own.incarnation, endpoint.incarnation)) {
    return 'gone';
  }
  const seen = isOwn ? own.containers.get(endpoint.task) : undefined;
  const isNews = seen && isWithdrawal(seen.state) && seen.tick > (endpoint.tick ?? -1);
  return endpointState(isNews ? { claim: endpoint.claim, container: seen.state } : endpoint);
}

/** Whether a node of the swarm is there for this one: neither removed, nor down, nor out of reach. */
export function isThere(node: string, mesh: Mesh, own: Eyes): boolean {
  const known = mesh.nodes.get(node);
  return known !== undefined && !isGone(known) && !isOutOfReach(node, mesh, own);
}

function isGone({ removedMs, claim }: Node): boolean {
  return removedMs !== undefined || claim?.state === 'down';
}

function isLost(endpoint: Endpoint, node: Node | undefined): boolean {
  if (!node) return false;
  if (isGone(node)) return true;
  if (!node.incarnation || !endpoint.incarnation) return false;
  return !sameIncarnation(node.incarnation, endpoint.incarnation);
}

/**
 * Whether the sentinels took the node down in the life that the mesh knows it by. A node that is itself down on record, and
 * lives, was cut off: what was recorded meanwhile is how the others looked from where it was not, and no news to it.
 */
function isOutOfReach(node: string, mesh: Mesh, { node: self, incarnation }: Eyes): boolean {
  const own = mesh.reach.get(self);
  if (own && own.state === 'down' && isSameLife(own.incarnation, incarnation)) return false;
  const reach = mesh.reach.get(node);
  return reach?.state === 'down' && isSameLife(reach.incarnation, mesh.nodes.get(node)?.incarnation);
}

/** The endpoint's address on a network; undefined where its task is not on it. */
export function addressOn(endpoint: Endpoint, network: string): Address | undefined {
  return endpoint.addresses.find((held) => held.network === network)?.address;
}
