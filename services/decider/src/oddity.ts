import { type ContainerFact, isNewerReading } from '@fairway/mesh';
import type { FoldContext, FoldedService } from './fold-service.ts';

/** What may be wrong with a node's word of a container, which then changes nothing. */
export type Oddity =
  | 'it was told before'
  | 'a later one of its node was there before it'
  | "it is of its node's life before"
  | 'its task is on another node'
  | 'its node speaks of more tasks than any manager has named';

/**
 * So many tasks of a service may wait for a manager's word by the word of one node alone: of 5,000 tasks that start at
 * once on 20 nodes these are all. A node that speaks of more cannot grow the entry with them; it tells of its containers
 * again once a manager has spoken of their tasks.
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

function maySpeak({ endpoints }: FoldedService, node: string): boolean {
  return endpoints.filter((endpoint) => endpoint.claim === 'absent' && endpoint.node === node).length < unclaimedMax;
}

/**
 * Whether a fact is of a boot before the held one. The boot that was listed last comes before all that were not listed yet:
 * a fact of it that is delivered again would have its containers live that the next boot has already told are dead.
 */
function isOfBootBefore({ node, reading }: ContainerFact, held: string, { isListed }: FoldContext): boolean {
  const { boot } = reading.incarnation;
  return boot !== held && isListed(node, boot) && !isListed(node, held);
}
