import type { Cause } from './cause.ts';

/** What one apply in one namespace changed, counted in the kernel's own terms. */
export type Changes = { readonly added: number; readonly removed: number };

/** What applying came to. Revisions are of the mesh bucket; both ends of a range are included. */
export type Outcome =
  | {
      readonly kind: 'applied';
      readonly from: number;
      readonly to: number;
      readonly durationMs: number;
      readonly changes: Changes;
      readonly causes: readonly Cause[];
      /** What the node's plan could not serve, and what it waits for, at `to`. */
      readonly notes: readonly Note[];
    }
  | {
      readonly kind: 'failed';
      readonly from: number;
      readonly to: number;
      readonly namespace: string;
      readonly reason: string;
      readonly causes: readonly Cause[];
    }
  | { readonly kind: 'stale'; readonly offered: number; readonly held: number }
  | { readonly kind: 'drifted' | 'repaired'; readonly namespace: string; readonly found: readonly string[] };

/** Something that a plan leaves out, said for people. */
export type Note = {
  /** `waiting`: it will come by itself. `refused`: somebody must change something. */
  readonly kind: 'waiting' | 'refused';
  /** What it is about: a port (`8000/tcp`), a service's name, a sandbox. */
  readonly about: string;
  readonly why: string;
};
