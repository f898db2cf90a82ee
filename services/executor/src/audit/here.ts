import type { Examination, Finding, Mesh, WatchedFacts } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';
import { fileOf, type Kernel } from '../kernel/kernel.ts';
import { type Places, placesOf } from '../overlay/node-places.ts';
import type { FoundOverlay } from './audit-overlay.ts';
import { type ExpectedSandbox, expectedOf, withoutSandbox } from './expected.ts';

/** What the swarm is, and what the node knows of itself. */
export type Known = { readonly mesh: Mesh; readonly own: WatchedFacts };

/** What of the swarm is on this node: its sandboxes with what they are to have, and its overlays as they are. */
export type Here = Known & {
  readonly sandboxes: readonly ExpectedSandbox[];
  /** Those that could be read. */
  readonly overlays: readonly FoundOverlay[];
  readonly places: Places;
  /** The sandboxes that are to be there, and are not. */
  readonly missing: readonly Finding[];
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
  const missing = withoutSandbox(mesh, own, files).map(
    ({ name, ingress }): Finding => ({
      kind: 'missing',
      where: 'host',
      what: `there is no sandbox of network ${name}`,
      breaks: ingress
        ? 'no published port is reached by this node'
        : `no service is reached by its name from this node's containers on ${name}`,
      mend: 'systemctl restart docker; its log says why there is none',
    }),
  );
  return { mesh, own, sandboxes, overlays, places, missing, unable, nameOf };
}
