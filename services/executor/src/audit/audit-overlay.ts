import type { Finding } from '@fairway/mesh';
import { macOf, type Way } from '../kernel/overlay.ts';
import { type Places, strangePlaces } from '../overlay/node-places.ts';
import type { ExpectedSandbox } from './expected.ts';

/** One overlay network as the node has it: undefined without a part in it. */
export type FoundOverlay = { readonly expected: ExpectedSandbox; readonly ways: ReadonlyMap<string, Way> | undefined };

/** What of a network's entries for the tasks of other nodes does not lead to the node that runs the task. */
export function auditOverlay(
  { expected, ways }: FoundOverlay,
  places: Places,
  own: string,
  nameOf: (node: string) => string,
): readonly Finding[] {
  const where = `overlay ${expected.network.name}`;
  // Encrypted ones take keys as well.
  const mend = expected.network.encrypted
    ? 'systemctl restart docker'
    : 'run the node process with --repair-overlay, which sets it within a minute';
  const strange = strangePlaces(ways);
  const elsewhere = [...expected.tasks].filter(([, { node, isDue }]) => isDue && node !== own);
  if (!ways && elsewhere.length > 0) {
    const what = 'this node has no part in the overlay, but a sandbox for it';
    const breaks = `requests of this node to all tasks of other nodes on ${expected.network.name} hang`;
    return [{ kind: 'missing', where, what, breaks, mend: 'systemctl restart docker' }];
  }
  return elsewhere.flatMap(([address, { task, service, node }]): Finding | readonly [] => {
    const breaks = `requests of this node to task ${task} of ${service} hang`;
    const way = ways?.get(address);
    if (!way) {
      const what = `there is no way to ${address}, task ${task} of ${service} on ${nameOf(node)}`;
      return { kind: 'missing', where, what, breaks, mend };
    }
    const at = places.get(node);
    if (at !== undefined && way.node !== at) {
      const what = `${address}, task ${task} of ${service}, is on ${nameOf(node)} at ${at}, and its way leads to ${way.node}`;
      return { kind: 'wrong', where, what, breaks, mend };
    }
    const mac = macOf(address);
    if (mac !== undefined && way.mac !== mac && !strange.has(way.node)) {
      const what = `${address}, task ${task} of ${service}, has ${mac}, and its neighbour entry says ${way.mac}`;
      return { kind: 'wrong', where, what, breaks, mend };
    }
    return [];
  });
}
