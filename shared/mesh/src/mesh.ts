import type { Generation } from './generation.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';
import type { RecordedReach } from './reach.ts';
import type { Service } from './service.ts';

/** What is wanted for the whole swarm, at one generation. */
export type Mesh = {
  readonly generation: Generation;
  /**
   * Whether a complete manager listing of this epoch is folded in, and nothing of it could not be read. Until then nothing
   * may be pruned by it.
   */
  readonly complete: boolean;
  readonly services: ReadonlyMap<string, Service>;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly networks: ReadonlyMap<string, Network>;
  /** By node, what the sentinels recorded of it. */
  readonly reach: ReadonlyMap<string, RecordedReach>;
};

/** A mesh that knows nothing yet. */
export function emptyMesh(epoch: string): Mesh {
  return {
    generation: { epoch, revision: 0 },
    complete: false,
    services: new Map(),
    nodes: new Map(),
    networks: new Map(),
    reach: new Map(),
  };
}
