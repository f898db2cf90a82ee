import type { Changes } from '@fairway/mesh';
import type { Namespace } from './kernel/kernel.ts';

/** What applying did, in one namespace or in several. */
export type Applied = { readonly durationMs: number; readonly changes: Changes; readonly rebuilt: readonly string[] };

/** It failed in one namespace; what the others got stays. */
export class ApplyFailed extends Error {
  readonly namespace: Namespace;
  constructor(namespace: Namespace, cause: unknown) {
    super(`ApplyFailed: ${namespace}`, { cause });
    this.namespace = namespace;
  }
}

export function together(applied: readonly Applied[]): Applied {
  return {
    durationMs: applied.reduce((sum, one) => sum + one.durationMs, 0),
    changes: {
      added: applied.reduce((sum, { changes }) => sum + changes.added, 0),
      removed: applied.reduce((sum, { changes }) => sum + changes.removed, 0),
    },
    rebuilt: applied.flatMap(({ rebuilt }) => rebuilt),
  };
}
