import type { NetworkAddress } from './address.ts';
import type { Incarnation } from './incarnation.ts';

/**
 * What the managers say of a task. They alone say that it exists and whether it is wanted:
 * - `absent`: no manager has spoken of it; only its node has.
 * - `assigned`: wanted, and not yet seen running by the manager.
 * - `running`: wanted, and the manager has heard from the node's agent that it runs (and is healthy).
 * - `released`: no longer wanted (Swarm's desired state is past running), or confirmed gone.
 */
export const claims = ['absent', 'assigned', 'running', 'released'] as const;
export type Claim = (typeof claims)[number];

/**
 * What the task's own node says of its container. The node alone says whether it lives:
 * - `unknown`: the node has not spoken of it.
 * - `starting`: created, or running and its health check has not passed yet.
 * - `running`: running, and healthy where it has a health check.
 * - `unhealthy`: running, its health check failed.
 * - `stopping`: it was running, and was sent the signal to stop.
 * - `dead`: it ended, or the node's complete listing does not have it. Final.
 */
export const containerStates = ['unknown', 'starting', 'running', 'unhealthy', 'stopping', 'dead'] as const;
export type ContainerState = (typeof containerStates)[number];

/** Whether nothing new is to go to a task whose container was served, and is so now. */
export function isWithdrawal(state: ContainerState): boolean {
  return state === 'unhealthy' || state === 'stopping' || state === 'dead';
}

/** One task of a service as the mesh knows it. */
export type Endpoint = {
  readonly task: string;
  readonly node: string;
  readonly claim: Claim;
  /** `Version.Index` of the task when the manager last spoke of it; 0 where none has, but to say that there is none. */
  readonly index: number;
  readonly addresses: readonly NetworkAddress[];
  readonly container: ContainerState;
  /** The node's incarnation and tick at its last word; absent while the container is `unknown`. */
  readonly incarnation?: Incarnation;
  readonly tick?: number;
  /** Since when it has been as it is, milliseconds of the decider's clock: to be shown only. */
  readonly sinceMs: number;
  /** What a decider of a newer release keeps of it besides, and this one hands on without a look at it. */
  readonly further?: readonly unknown[];
};

/** What an endpoint is to those who send to it. */
export const endpointStates = ['waiting', 'starting', 'serving', 'unhealthy', 'draining', 'gone'] as const;
export type EndpointState = (typeof endpointStates)[number];

/**
 * The endpoint's state from its two claims. A task that the manager saw running and of which its node has not spoken
 * is served on the manager's word: after a bus was lost that is better than to drop it until the node is heard. One that is
 * wanted no more drains, unless it is not well: that one gets nothing new even where nobody else is left.
 */
export function endpointState(endpoint: Pick<Endpoint, 'claim' | 'container'>): EndpointState {
  const { claim, container } = endpoint;
  if (container === 'dead') return 'gone';
  if (claim === 'absent') return 'waiting';
  const isWanted = claim !== 'released';
  switch (container) {
    case 'unknown':
      if (!isWanted) return 'gone';
      return claim === 'running' ? 'serving' : 'waiting';
    case 'running':
      return isWanted ? 'serving' : 'draining';
    case 'stopping':
      return 'draining';
    default:
      return container;
  }
}

/**
 * Whether it is over: not wanted, and no container of it lives. Deciders keep it a while, so that a fact which was
 * overtaken does not bring it back; to everybody else it is no longer there.
 */
export function hasEnded({ claim, container }: Pick<Endpoint, 'claim' | 'container'>): boolean {
  if (claim === 'released') return container === 'dead' || container === 'unknown';
  return claim === 'absent' && container === 'dead';
}

/** What is waited for before the endpoint serves, for people; undefined when nothing is. */
export function awaited(endpoint: Endpoint): string | undefined {
  if (endpoint.claim === 'released') return undefined;
  const state = endpointState(endpoint);
  if (state === 'starting') return 'its container to run, and its health check to pass';
  if (state === 'unhealthy') return 'its health check to pass again';
  if (state !== 'waiting') return undefined;
  return endpoint.claim === 'absent'
    ? 'a manager to confirm the task'
    : `node ${endpoint.node} to report its container`;
}
