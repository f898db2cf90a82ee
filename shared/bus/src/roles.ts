/**
 * What somebody on the bus may be. A manager is a node whose Docker also speaks for the swarm: it may tell of services,
 * nodes, networks and listings beside its own containers.
 */
export const roles = ['node', 'manager', 'decider', 'console', 'sentinel'] as const;
export type Role = (typeof roles)[number];

/** Who somebody on the bus is. The name is a node's id, or a service's own; it is a token of subjects. */
export type Identity = { readonly name: string; readonly role: Role };

/**
 * Where somebody's answers come to. Each has a prefix of its own, as who may listen to another's could take answers for
 * messages stored that never were.
 */
export function inboxPrefix({ name }: Identity): string {
  return `_INBOX_${name}`;
}

/**
 * Under which subjects JetStream is asked. Only deciders are in the account whose streams these are; everybody else has
 * the few requests that its role needs lent from there, under a name of their own (decision 0011).
 */
export function apiPrefix({ role }: Identity): string {
  return role === 'decider' ? '$JS.API' : '$JS.fairway.API';
}
