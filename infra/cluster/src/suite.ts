import { inject } from 'vitest';
import type { Cluster } from './cluster.ts';
import { attachCluster } from './start.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Name of the cluster that the suite's set-up started. */
    clusterName: string;
  }
}

/** The one swarm of all `*.swarm.test.ts`, three nodes with Fairway on them. A test deploys a service of its own on it. */
export function suiteCluster(): Cluster {
  return attachCluster(inject('clusterName'));
}
