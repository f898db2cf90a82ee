import { isDeepStrictEqual } from 'node:util';
import { unknownSpec } from '@fairway/bus';
import {
  type ContainerFact,
  type Endpoint,
  isNewerReading,
  type NodeListingFact,
  type ServiceFact,
  sameIncarnation,
  type TaskClaim,
} from '@fairway/mesh';
import { oddityOf } from './oddity.ts';
import type { FoldContext, FoldedService, ServiceChange } from './service-change.ts';
import { step } from './task-life.ts';

/**
 * The service after a fact; the very same value when the fact brings nothing new, and undefined when the fact is a
 * node's about a service that no manager has reported (it has to wait: a node never creates a service).
 */
export function foldService(
  service: FoldedService | undefined,
  fact: ServiceChange,
  context: FoldContext,
): FoldedService | undefined {
  switch (fact.kind) {
    case 'service':
      return foldReport(service, fact, context);
    case 'service-gone':
      return foldGone(service, fact.service, context);
    case 'container':
      return service && foldContainer(service, fact, context);
    case 'node-listing':
      return service && foldListing(service, fact, context);
  }
}

function foldReport(held: FoldedService | undefined, fact: ServiceFact, context: FoldContext): FoldedService {
  const service: FoldedService = held ?? { spec: fact.spec, endpoints: [], seen: 0 };
  // A deleted service's id is never given again, so what still arrives about it is old; but a swarm may be restored to
  // when it had the service.
  if (service.removedMs !== undefined && !fact.confirmed) return service;
  const { removedMs: _, ...alive } = service;

  const takesSpec =
    fact.spec.index > service.spec.index || (fact.confirmed && !isDeepStrictEqual(fact.spec, service.spec));
  const claims = new Map(fact.tasks.map((task) => [task.id, task]));
  const gone = new Set(fact.gone);
  // A task that was listed before and is not claimed has been forgotten, and so has one that is first heard of as released:
  // a fact of its node came late, and nothing drains to it.
  const isPast = (endpoint: Endpoint, task: TaskClaim) =>
    !fact.confirmed && endpoint.claim === 'absent' && (task.claim === 'released' || task.index <= service.seen);
  const kept = service.endpoints.map((endpoint) => {
    const claim = claims.get(endpoint.task);
    if (claim && isPast(endpoint, claim)) return endpoint;
    if (claim) return foldClaim(endpoint, claim, fact.confirmed, context);
    return gone.has(endpoint.task) ? step(endpoint, { type: 'task.gone' }, context.nowMs) : endpoint;
  });
  const known = new Set(service.endpoints.map(({ task }) => task));
  const added = [...claims.values()]
    .filter((task) => !known.has(task.id) && task.claim !== 'released')
    .filter((task) => fact.confirmed || task.index > service.seen)
    .map((task) => foldClaim(unclaimed(task.id, task.node, context), task, fact.confirmed, context));

  // A part says nothing of the tasks in the other parts, whatever their indexes.
  const listed = fact.partial ? service.seen : Math.max(0, ...fact.tasks.map(({ index }) => index));
  return settled(
    service,
    {
      ...alive,
      spec: takesSpec ? fact.spec : service.spec,
      endpoints: [...kept, ...added],
      seen: fact.confirmed ? listed : Math.max(service.seen, listed),
    },
    held === undefined,
    context,
  );
}

function foldClaim(endpoint: Endpoint, task: TaskClaim, confirmed: boolean, context: FoldContext): Endpoint {
  if (!confirmed && task.index <= endpoint.index) return endpoint;
  // Only the task's own node speaks of its container, and whose the task is only a manager says.
  const stepped = step(
    endpoint.node === task.node ? endpoint : unheardOf(endpoint),
    confirmed ? { type: 'swarm.restored', claim: task.claim } : { type: `task.${task.claim}` },
    context.nowMs,
  );
  const { node, index, addresses } = task;
  // The index alone is no news to anybody: an entry is not written again for it, unless later ones are to be compared
  // with a lower one from now on.
  const ordered = index >= endpoint.index;
  const same = ordered && stepped === endpoint && sameAddresses(addresses, endpoint.addresses);
  return same ? endpoint : { ...stepped, node, index, addresses };
}

function foldGone(held: FoldedService | undefined, id: string, context: FoldContext): FoldedService {
  const service = held ?? { spec: unknownSpec(id), endpoints: [], seen: 0 };
  if (service.removedMs !== undefined) return service;
  return { ...service, endpoints: [], removedMs: context.nowMs };
}

function foldContainer(service: FoldedService, fact: ContainerFact, context: FoldContext): FoldedService {
  if (service.removedMs !== undefined || oddityOf(service, fact, context)) return service;
  const held = service.endpoints.find(({ task }) => task === fact.task);
  const before = held ?? unclaimed(fact.task, fact.node, context);
  const stepped = step(before, { type: `container.${fact.state}` }, context.nowMs);
  const sameLife = before.incarnation && sameIncarnation(before.incarnation, fact.reading.incarnation);
  if (stepped === before && sameLife) return service;
  const after: Endpoint = { ...stepped, incarnation: fact.reading.incarnation, tick: fact.reading.tick };
  const endpoints = held
    ? service.endpoints.map((endpoint) => (endpoint === held ? after : endpoint))
    : [...service.endpoints, after];
  return settled(service, { ...service, endpoints }, false, context);
}

function foldListing(service: FoldedService, fact: NodeListingFact, context: FoldContext): FoldedService {
  if (fact.partial || context.isRetired(fact.node, fact.incarnation.boot)) return service;
  const listed = new Set(fact.tasks);
  const endpoints = service.endpoints.map((endpoint) => {
    if (endpoint.node !== fact.node || listed.has(endpoint.task)) return endpoint;
    // Of an unknown container the listing says nothing: it may have been made after the listing was taken.
    if (!endpoint.incarnation || endpoint.tick === undefined || endpoint.container === 'dead') return endpoint;
    // Facts of one service overtake a listing, which waits for those of all others: the node may have been started again
    // since, and its endpoints are then of a boot that this listing knows nothing of.
    const { boot } = endpoint.incarnation;
    if (boot !== fact.incarnation.boot && !context.isListed(fact.node, boot)) return endpoint;
    const taken = { incarnation: fact.incarnation, tick: fact.tick };
    if (!isNewerReading(taken, { incarnation: endpoint.incarnation, tick: endpoint.tick })) return endpoint;
    return { ...step(endpoint, { type: 'container.dead' }, context.nowMs), ...taken };
  });
  return settled(service, { ...service, endpoints }, false, context);
}

/** The service without the endpoints that are old, and those that settle by themselves; the same value without any. */
export function foldTime(
  service: FoldedService,
  isOld: (endpoint: Endpoint) => boolean,
  context: FoldContext,
): FoldedService {
  const endpoints = service.endpoints.filter((endpoint) => !isOld(endpoint));
  return settled(service, { ...service, endpoints }, false, context);
}

/** Leaves out what nobody will ever hear of again, and gives the held value back when nothing is left to say. */
function settled(held: FoldedService, after: FoldedService, isNew: boolean, context: FoldContext): FoldedService {
  const endpoints = after.endpoints.filter(({ claim, node }) => claim !== 'released' || !context.isRemoved(node));
  const same =
    !isNew &&
    after.spec === held.spec &&
    after.removedMs === held.removedMs &&
    endpoints.length === held.endpoints.length &&
    endpoints.every((endpoint, at) => endpoint === held.endpoints[at]);
  // `seen` alone is not worth a write; it is written with the next change, and until then the endpoints' own count.
  return same ? held : { ...after, endpoints };
}

/** The endpoint without what was said of its container. */
function unheardOf({ incarnation: _, tick: __, ...endpoint }: Endpoint): Endpoint {
  return { ...endpoint, container: 'unknown' };
}

function unclaimed(task: string, node: string, context: FoldContext): Endpoint {
  return {
    task,
    node,
    claim: 'absent',
    index: 0,
    addresses: [],
    container: 'unknown',
    sinceMs: context.nowMs,
  };
}

function sameAddresses(a: Endpoint['addresses'], b: Endpoint['addresses']): boolean {
  return (
    a.length === b.length &&
    a.every((held, at) => held.network === b[at]?.network && held.address.text === b[at]?.address.text)
  );
}
