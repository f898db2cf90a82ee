import { patience } from '@fairway/cluster';

/** Whether each thing takes as many times as long as on an emulated machine, whose processors a swarm at rest takes already. */
export const isSlow = patience() > 1;

/**
 * Options of a service that goes on serving for so many seconds after it was told to stop. Where a change takes up to half a
 * minute to be in a kernel, neither they nor the 2 s that Docker gives before are enough for all nodes to have heard of it.
 */
export function drains(seconds: number): readonly string[] {
  const servesS = isSlow ? 60 : seconds;
  return ['--env', `DRAIN_SECONDS=${servesS}`, '--stop-grace-period', `${Math.max(10, 5 * servesS)}s`];
}
