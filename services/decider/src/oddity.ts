import { isDeepStrictEqual } from 'node:util';
import {
  type ContainerFact,
  type Fact,
  isNewerReading,
  type Network,
  type NetworkFact,
  type NetworkGoneFact,
  type Node,
  type NodeFact,
  type NodeGoneFact,
  type NodeListingFact,
} from '@fairway/mesh';
import type { FoldContext, FoldedService, ServiceChange } from './service-change.ts';

/** What may be wrong with what was told, which then changes nothing. */
export type Oddity =
  | 'it was told before'
  | 'a later one of its node was there before it'
  | "it is of its node's life before"
  | 'its task is on another node'
  | 'its node speaks of more tasks than any manager has named'
  | 'a later one of a manager was there before it'
  | 'what it tells of was removed before';

/** Hears of each fact in which something is odd. */
export type OnOdd = (oddity: Oddity, fact: Fact) => void;

/**
 * So many tasks of a service may be there by the word of one node alone, whether they wait for a manager's or that was that
 * there is no such task: of 5,000 tasks that start at once on 20 nodes these are all. A node that speaks of more cannot grow
 * the entry with them; it tells of its containers again once a manager has spoken of their tasks.
 */
const unclaimedMax = 256;

/** What is odd about it, if anything: a service takes what is not. */
export function oddityOf(service: FoldedService, fact: ContainerFact, context: FoldContext): Oddity | undefined {
  const { node, reading } = fact;
  if (context.isRetired(node, reading.incarnation.boot)) return "it is of its node's life before";
  const held = service.endpoints.find(({ task }) => task === fact.task);
  if (held && held.node !== node) return 'its task is on another node';
  if (!held) return maySpeak(service, node) ? undefined : 'its node speaks of more tasks than any manager has named';
  if (!held.incarnation || held.tick === undefined) return undefined;
  if (isOfBootBefore(fact, held.incarnation.boot, context)) return "it is of its node's life before";
  if (isNewerReading(reading, { incarnation: held.incarnation, tick: held.tick })) return undefined;
  return reading.tick === held.tick ? 'it was told before' : 'a later one of its node was there before it';
}

/** As `oddityOf`, of any fact that could change the service and does not. */
export function oddityOfServiceFact(
  service: FoldedService,
  fact: ServiceChange,
  context: FoldContext,
): Oddity | undefined {
  if (fact.kind === 'container') return oddityOf(service, fact, context);
  if (fact.kind !== 'service') return undefined;
  return oddityOfReport(service.spec.index, service.removedMs, fact.spec.index);
}

/** What is odd about what was told of a node, by a manager or by itself, where it changes nothing; if anything. */
export function oddityOfNodeFact(node: Node, fact: NodeFact | NodeGoneFact | NodeListingFact): Oddity | undefined {
  if (fact.kind === 'node-gone') return undefined;
  if (fact.kind === 'node-listing')
    return node.retired.includes(fact.incarnation.boot) ? "it is of its node's life before" : undefined;
  const { claim, removedMs } = node;
  // A node's index rises with each service that comes or goes: managers tell the same at several.
  const isNews = !isDeepStrictEqual({ ...fact.node, index: 0 }, { ...claim, index: 0 });
  return isNews || removedMs !== undefined ? oddityOfReport(claim?.index ?? 0, removedMs, fact.node.index) : undefined;
}

/** What is odd about what a manager told of a network, where it changes nothing; if anything. */
export function oddityOfNetworkFact(network: Network, fact: NetworkFact | NetworkGoneFact): Oddity | undefined {
  if (fact.kind === 'network-gone') return undefined;
  return oddityOfReport(network.index, network.removedMs, fact.network.index);
}

/** Of a manager's word, by `Version.Index`. That several managers tell the same is not odd. */
function oddityOfReport(held: number, removedMs: number | undefined, told: number): Oddity | undefined {
  if (removedMs !== undefined) return 'what it tells of was removed before';
  return told < held ? 'a later one of a manager was there before it' : undefined;
}

function maySpeak({ endpoints }: FoldedService, node: string): boolean {
  return endpoints.filter((endpoint) => endpoint.index === 0 && endpoint.node === node).length < unclaimedMax;
}

/**
 * Whether a fact is of a boot before the held one. The boot that was listed last comes before all that were not listed yet:
 * a fact of it that is delivered again would have its containers live that the next boot has already told are dead.
 */
function isOfBootBefore({ node, reading }: ContainerFact, held: string, { isListed }: FoldContext): boolean {
  const { boot } = reading.incarnation;
  return boot !== held && isListed(node, boot) && !isListed(node, held);
}
