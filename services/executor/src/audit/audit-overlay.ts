import type { Finding } from '@fairway/mesh';
import { macOf, type Way } from '../kernel/overlay.ts';
import type { ExpectedSandbox } from './expected.ts';

/** One overlay network as the node has it: undefined without a part in it. */
export type FoundOverlay = { readonly expected: ExpectedSandbox; readonly ways: ReadonlyMap<string, Way> | undefined };

/** Where the other nodes are, on the network that carries the overlays. */
export type Places = ReadonlyMap<string, string>;

/**
 * Where each other node is, by what most of the ways to its tasks say, on all networks together. A node is left out
 * where its ways disagree evenly, and where another has more at its place: nothing says then who is wrong.
 */
export function placesOf(found: readonly FoundOverlay[], own: string): Places {
  const votes = new Map<string, Map<string, number>>();
  for (const { expected, ways } of found) {
    for (const [address, { node }] of expected.tasks) {
      const at = ways?.get(address)?.node;
      if (at === undefined || node === own) continue;
      const ofNode = votes.get(node) ?? new Map<string, number>();
      votes.set(node, ofNode.set(at, (ofNode.get(at) ?? 0) + 1));
    }
  }
  const places = new Map<string, string>();
  for (const [node, ofNode] of votes) {
    const [[at, count] = ['', 0], [, next] = ['', 0]] = [...ofNode].sort((a, b) => b[1] - a[1]);
    const isClaimed = [...votes].some(([other, at2]) => other !== node && (at2.get(at) ?? 0) >= count);
    if (count > next && !isClaimed) places.set(node, at);
  }
  return places;
}

/** What of a network's entries for the tasks of other nodes does not lead to the node that runs the task. */
export function auditOverlay(
  { expected, ways }: FoundOverlay,
  places: Places,
  own: string,
  nameOf: (node: string) => string,
): readonly Finding[] {
  const where = `overlay ${expected.network.name}`;
  const mend = 'run the node process with --repair-overlay';
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
    if (mac !== undefined && way.mac !== mac) {
      const what = `${address}, task ${task} of ${service}, has ${mac}, and its neighbour entry says ${way.mac}`;
      return { kind: 'wrong', where, what, breaks, mend };
    }
    return [];
  });
}
