/**
 * What `npm run lab` runs without a command: the rules on this kernel, and the most telling of what holds on a swarm.
 * One Vitest for all of it, because it alone takes long to start in there.
 */
export const suite = 'vitest run --project kernel --project swarm .kernel.test.ts ingress.swarm.test.ts';
