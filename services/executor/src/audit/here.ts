import type { Examination, Mesh, WatchedFacts } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import { fileOf, type Kernel } from '../kernel/kernel.ts';
import { type Places, placesOf } from '../node-places.ts';
import type { FoundOverlay } from './audit-overlay.ts';
import { type ExpectedSandbox, expectedOf } from './expected.ts';

/** What the swarm is, and what the node knows of itself. */
export type Known = { readonly mesh: Mesh; readonly own: WatchedFacts };

/** What of the swarm is on this node: its sandboxes with what they are to have, and its overlays as they are. */
export type Here = Known & {
  readonly sandboxes: readonly ExpectedSandbox[];
  /** Those that could be read. */
  readonly overlays: readonly FoundOverlay[];
  readonly places: Places;
  readonly unable: Examination['unable'];
  readonly nameOf: (node: string) => string;
};

/** Looks at it. @throws Error where the node does not know the swarm yet */
export async function lookHere(kernel: Pick<Kernel, 'sandboxes' | 'ways'>, known: Known | undefined): Promise<Here> {
  if (!known) throw new Error('this node is in no swarm, or does not know of it yet');
  const { mesh, own } = known;
  if (!mesh.complete) throw new Error('no complete listing from a manager yet, with which Docker could be compared');
  const files = new Set([...(await kernel.sandboxes()).keys()].map(fileOf));
  const sandboxes = expectedOf(mesh, own, files);
  const overlays: FoundOverlay[] = [];
  const unable: { where: string; why: string }[] = [];
  await Promise.all(
    sandboxes.map(async (expected) => {
      try {
        overlays.push({ expected, ways: await kernel.ways(expected.network) });
      } catch (error) {
        unable.push({ where: `overlay ${expected.network.name}`, why: describe(error) });
      }
    }),
  );
  const nodesOf = ({ tasks }: ExpectedSandbox) => new Map([...tasks].map(([address, { node }]) => [address, node]));
  const places = placesOf(overlays.map(({ expected, ways }) => ({ nodes: nodesOf(expected), ways })));
  const nameOf = (node: string) => mesh.nodes.get(node)?.claim?.name ?? node;
  return { mesh, own, sandboxes, overlays, places, unable, nameOf };
}
