import {
  type Bucket,
  type Envelope,
  keys,
  RevisionConflict,
  readNetwork,
  readNode,
  writeNetwork,
  writeNode,
} from '@fairway/bus';
import {
  type Endpoint,
  type Fact,
  keepCauses,
  type NetworkFact,
  type NetworkGoneFact,
  type NodeFact,
  type NodeGoneFact,
  type NodeListingFact,
} from '@fairway/mesh';
import { type Tracer, untraced } from '@fairway/telemetry';
import { traceDecision } from './decision-trace.ts';
import { foldNetwork } from './fold-network.ts';
import { foldNode } from './fold-node.ts';
import { foldService, foldTime } from './fold-service.ts';
import { type OnOdd, oddityOfNetworkFact, oddityOfNodeFact, oddityOfServiceFact } from './oddity.ts';
import type { FoldContext, ServiceChange } from './service-change.ts';
import { loadService, type NewCause, saveService } from './service-store.ts';

/** What came of facts about one object. */
export type Decision =
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'unchanged' }
  /** A node spoke of a service that no manager has reported yet; the facts have to wait. */
  | { readonly kind: 'unknown' };

/** How often a write is tried again when another decider was faster; each time on a fresh reading. */
const attemptsMax = 20;

/**
 * Folds facts about one service into its entry: read, fold, write if it is still as read. All of the facts make one
 * write, and none when they bring nothing new. Those in which something is odd are told of.
 *
 * @throws {BusUnavailable} when the bus does not answer; nothing is lost, the facts are delivered again.
 */
export function decideService(
  bucket: Bucket,
  id: string,
  facts: readonly Envelope<ServiceChange>[],
  context: FoldContext,
  tracer: Tracer = untraced,
  onOdd: OnOdd = () => {},
): Promise<Decision> {
  const startMs = Date.now();
  return untilWritten(async (odd) => {
    const stored = await loadService(bucket, id);
    let service = stored.service;
    const causes: NewCause[] = [];
    // What came before the report that first tells of the service counts once that is folded in.
    const early: Envelope<ServiceChange>[] = [];
    const fold = (envelope: Envelope<ServiceChange>) => {
      const { body } = envelope;
      const after = foldService(service, body, context);
      const oddity = service && after === service ? oddityOfServiceFact(service, body, context) : undefined;
      if (oddity) odd(oddity, body);
      if (!after) early.push(envelope);
      else if (after !== service) addCause(causes, envelope);
      service = after;
    };
    facts.forEach(fold);
    if (service) early.splice(0).forEach(fold);
    if (!service) return { kind: 'unknown' };
    const isChanged = service !== stored.service;
    const decision = isChanged ? traceDecision(tracer, keys.service(id), causes, startMs) : undefined;
    const saved = decision?.ending(saveService(bucket, id, stored, service, decision.causes));
    return saved ? written(await saved) : { kind: 'unchanged' };
  }, onOdd);
}

/** Forgets the endpoints of a service that are old; nothing is written where there is none. */
export function decideTime(
  bucket: Bucket,
  id: string,
  isOld: (endpoint: Endpoint) => boolean,
  context: FoldContext,
): Promise<Decision> {
  return untilWritten(async () => {
    const stored = await loadService(bucket, id);
    const service = stored.service && foldTime(stored.service, isOld, context);
    if (!service || service === stored.service) return { kind: 'unchanged' };
    return written(await saveService(bucket, id, stored, service, []));
  });
}

/** Folds facts about one node into its entry, as `decideService`. */
export function decideNode(
  bucket: Bucket,
  id: string,
  facts: readonly Envelope<NodeFact | NodeGoneFact | NodeListingFact>[],
  nowMs: number,
  tracer: Tracer = untraced,
  onOdd: OnOdd = () => {},
): Promise<Decision> {
  const startMs = Date.now();
  return untilWritten(async (odd) => {
    const held = await bucket.get(keys.node(id));
    const before = held?.text === undefined ? undefined : readNode(held.key, held.text);
    const revision = held?.text === undefined ? 0 : held.revision;
    let node = before;
    const causes: NewCause[] = [];
    for (const envelope of facts) {
      const after = foldNode(node, envelope.body, nowMs);
      const oddity = node && after === node ? oddityOfNodeFact(node, envelope.body) : undefined;
      if (oddity) odd(oddity, envelope.body);
      if (after !== node) addCause(causes, envelope);
      node = after;
    }
    if (!node || node === before) return { kind: 'unchanged' };
    const decision = traceDecision(tracer, keys.node(id), causes, startMs);
    const kept = keepCauses(
      node.causes,
      decision.causes.map((cause) => ({ ...cause, after: revision })),
    );
    const text = writeNode({ ...node, causes: kept });
    return written(await decision.ending(bucket.put(keys.node(id), text, revision)));
  }, onOdd);
}

/** Folds facts about one network into its entry, as `decideService`. */
export function decideNetwork(
  bucket: Bucket,
  id: string,
  facts: readonly Envelope<NetworkFact | NetworkGoneFact>[],
  nowMs: number,
  tracer: Tracer = untraced,
  onOdd: OnOdd = () => {},
): Promise<Decision> {
  const startMs = Date.now();
  return untilWritten(async (odd) => {
    const held = await bucket.get(keys.network(id));
    const before = held?.text === undefined ? undefined : readNetwork(held.key, held.text);
    let network = before;
    const causes: NewCause[] = [];
    for (const envelope of facts) {
      const { body } = envelope;
      const after = foldNetwork(network, body, nowMs);
      const oddity = network && after === network ? oddityOfNetworkFact(network, body) : undefined;
      if (oddity) odd(oddity, body);
      if (after !== network) addCause(causes, envelope);
      network = after;
    }
    if (!network || network === before) return { kind: 'unchanged' };
    const revision = held?.text === undefined ? 0 : held.revision;
    // The entry keeps no causes: the trace ends here.
    const decision = traceDecision(tracer, keys.network(id), causes, startMs);
    return written(await decision.ending(bucket.put(keys.network(id), writeNetwork(network), revision)));
  }, onOdd);
}

/**
 * Tries until nobody else was faster; an attempt that answers undefined asks for another. What was odd is told as the first
 * attempt found it: a later one folds all facts again, and may find some in what the first had already written.
 */
async function untilWritten(
  attempt: (odd: OnOdd) => Promise<Decision | undefined>,
  onOdd: OnOdd = () => {},
): Promise<Decision> {
  const found: Parameters<OnOdd>[] = [];
  for (let tried = 1; ; tried++) {
    try {
      const decision = await attempt((...odd) => void (tried === 1 && found.push(odd)));
      if (decision) {
        for (const odd of found) onOdd(...odd);
        return decision;
      }
    } catch (error) {
      if (!(error instanceof RevisionConflict) || tried >= attemptsMax) throw error;
    }
  }
}

function written(revision: number | undefined): Decision | undefined {
  return revision === undefined ? undefined : { kind: 'written', revision };
}

/**
 * Adds what a fact brought about to the causes of a write, once: one that was delivered twice is folded twice, and may find
 * more to change after the facts between.
 */
function addCause(causes: NewCause[], { trace, event, atMs }: Envelope<Fact>): void {
  const isThis = (cause: NewCause) => cause.trace === trace && cause.event === event && cause.atMs === atMs;
  if (!causes.some(isThis)) causes.push({ trace, event, atMs });
}
