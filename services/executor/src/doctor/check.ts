import type { Clock } from '@fairway/bus';
import type { Finding, Mesh } from '@fairway/mesh';
import type { FoundOverlay } from '../audit/audit-overlay.ts';
import type { ExpectedSandbox } from '../audit/expected.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Machine } from '../kernel/machine.ts';
import type { Places } from '../overlay/node-places.ts';
import type { Interface } from './sandbox-interface.ts';

/** What a check may look at. */
export type Patient = {
  readonly machine: Machine;
  readonly kernel: Pick<Kernel, 'requirements' | 'nodeAnswers'>;
  readonly mesh: Mesh;
  /** This node's id. */
  readonly node: string;
  readonly sandboxes: readonly ExpectedSandbox[];
  /** A sandbox's interface on its network, by the sandbox's file. */
  readonly interfaceOf: (file: string) => Promise<Interface>;
  /** The overlays that could be read. */
  readonly overlays: readonly FoundOverlay[];
  /** Where the other nodes are. */
  readonly places: Places;
  readonly nameOf: (node: string) => string;
  readonly clock: Pick<Clock, 'after'>;
  /** The servers of the bus, by their URLs. */
  readonly servers: readonly string[];
};

/** Looks at one thing, and rejects where it cannot. */
export type Check = {
  /** What it looks at, for people. */
  readonly about: string;
  readonly look: (patient: Patient) => Promise<readonly Finding[]>;
};
