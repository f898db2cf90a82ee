import {
  type Bus,
  BusUnavailable,
  type Clock,
  type Delivery,
  deadLetter,
  deciderConsumer,
  type Envelope,
  every,
  factStream,
  keys,
  MeshReplica,
  MessageTooLarge,
  parseKey,
  readFact,
  realClock,
  Unreadable,
} from '@fairway/bus';
import { type Fact, objectOf } from '@fairway/mesh';
import { describe, type Log, type Tracer, untraced } from '@fairway/telemetry';
import { type Decision, decideNetwork, decideNode, decideService } from './decide.ts';
import { Inbox } from './inbox.ts';
import { KnownSince } from './known-since.ts';
import { completeEpoch, foldNodeListing } from './listing.ts';
import { Oddities } from './oddities.ts';
import type { FoldContext } from './service-change.ts';
import { sweep } from './sweep.ts';

type Options = {
  readonly bus: Bus;
  readonly log: Log;
  readonly tracer?: Tracer;
  /** The wall clock, for times that outlive the process. */
  readonly nowMs?: () => number;
  readonly clock?: Clock;
};
type Item = { readonly delivery: Delivery; readonly envelope: Envelope<Fact> };

/** What comes about one object so soon after a write makes one more, and not one each. */
const gatherMs = 10;
/** A fact that has to wait for another is delivered again after this time, and given up after so many times. */
const waitMs = 50;
const waitsMax = 200;
/** Nor does it wait for what a later listing does not have; another decider may still be folding what the listing has. */
const afterListingMs = 1_000;
/** A listing waits, however long, for all that was published before it; it is looked at again this often at least. */
const listingWaitMaxMs = 2_000;
/** When the bus does not answer, its messages are asked for again after this time. */
const unavailableMs = 500;
/**
 * An entry that cannot be read may be a newer decider's, whose turn these facts are then. It is given up well before the
 * stream forgets them: what is behind them counts by then as folded in.
 */
const unreadableMs = 5_000;
const unreadableTriesMax = 60;
/** A fact that cannot be folded for any other reason than a bus that does not answer is given up after so many tries. */
const triesMax = 20;
/** How often the streams and buckets are looked after, and what is to be forgotten is swept. */
const provisionMs = 10_000;
const sweepMs = 30_000;

/** A running decider: facts in, mesh out. It keeps nothing that it cannot read again. */
export type Decider = { stop(): Promise<void> };

/** Starts a decider; any number may run, they share the facts and agree by compare and swap. */
export function startDecider({ bus, log, tracer = untraced, nowMs = Date.now, clock = realClock }: Options): Decider {
  const replica = new MeshReplica({
    onChange: () => {
      if (replica.current && replica.caughtUp) bus.expect(replica.current.nodes.keys());
    },
    onUnreadable: (error) =>
      log.error('an entry of the mesh cannot be read and is left alone', { reason: error.message }),
  });
  const following = bus.mesh.follow(replica.follower);
  const nodeOf = (id: string) => replica.current?.nodes.get(id);
  const context = (): FoldContext => ({
    nowMs: nowMs(),
    isRetired: (node, boot) => nodeOf(node)?.retired.includes(boot) ?? false,
    isListed: (node, boot) => [...(nodeOf(node)?.retired ?? []), nodeOf(node)?.incarnation?.boot].includes(boot),
    isRemoved: (node) => nodeOf(node)?.removedMs !== undefined,
  });

  let epoch = '';
  const provision = async () => {
    try {
      const found = await bus.provision();
      if (found !== epoch) log.info('the mesh has an epoch', { epoch: found });
      epoch = found;
    } catch (error) {
      log.warn('streams and buckets cannot be made now; trying again', { reason: describe(error) });
    }
  };
  void provision();
  bus.onState((state) => {
    if (state === 'connected') void provision();
  });
  const endUpkeep = every(clock, provisionMs, () => void provision());
  const oddities = new Oddities(log, clock);
  const known = new KnownSince(clock);
  const endSweeping = every(clock, sweepMs, () => {
    if (replica.current)
      sweep(bus.mesh, replica.current, known, context()).catch((error) =>
        log.warn('could not sweep; trying again', { reason: describe(error) }),
      );
  });

  const inbox = new Inbox<Item>({ gatherMs, handle, clock });

  const consuming = bus.consume(factStream.name, deciderConsumer, (delivery) => {
    try {
      const envelope = readFact(delivery);
      inbox.add(entryOf(envelope.body), { delivery, envelope });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      putAside(delivery, error);
    }
  });

  /** A message that cannot be read goes to the dead letters, and is then done with. */
  function putAside(delivery: Delivery, { subject, reason }: { subject: string; reason: string }): void {
    log.warn('a fact was put aside', { subject, reason });
    bus
      .publish(deadLetter(bus.sender, { subject, reason }, delivery.text), `${factStream.name}.${delivery.sequence}`)
      .then(
        () => delivery.ack(),
        () => delivery.retry(unavailableMs),
      );
  }

  async function handle(key: string, items: readonly Item[]): Promise<void> {
    const listings = items.filter(({ envelope }) => isOf(envelope, ['swarm-listing', 'node-listing']));
    const plain = items.filter((item) => !listings.includes(item));
    const envelopes = plain.map(({ envelope }) => envelope);
    if (plain.length > 0) await trying(key, plain, async () => answer(key, plain, await decide(key, envelopes)));
    for (const item of listings) await trying(key, [item], () => handleListing(item));
  }

  /** Does the work, which answers the items, or answers them itself where that fails. */
  async function trying(key: string, items: readonly Item[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof BusUnavailable) retry(items, unavailableMs);
      else if (error instanceof MessageTooLarge) await refuse(key, items, error);
      else if (error instanceof Unreadable) retryOrRefuse(key, items, error, unreadableMs, unreadableTriesMax);
      else retryOrRefuse(key, items, error, unavailableMs, triesMax);
    }
  }

  function retry(items: readonly Item[], delayMs: number): void {
    for (const { delivery } of items) delivery.retry(delayMs);
  }

  function retryOrRefuse(key: string, items: readonly Item[], error: unknown, delayMs: number, most: number): void {
    const reason = describe(error);
    log.error('facts could not be folded; trying again', { key, reason });
    const [given, tried] = partition(items, ({ delivery }) => delivery.attempt >= most);
    for (const { delivery } of given) putAside(delivery, { subject: delivery.subject, reason });
    retry(tried, delayMs);
  }

  /** The entry with these facts would be larger than the bus takes: of several each is tried by itself. */
  async function refuse(key: string, items: readonly Item[], { message }: MessageTooLarge): Promise<void> {
    const [item, ...more] = items;
    if (item && more.length === 0) putAside(item.delivery, { subject: item.delivery.subject, reason: message });
    else
      for (const one of items)
        await trying(key, [one], async () => answer(key, [one], await decide(key, [one.envelope])));
  }

  /** The last listing of the swarm that was delivered here, done with or not. */
  let listing: { readonly epoch: string; readonly sequence: number; readonly heardMs: number } | undefined;
  const isListedLater = ({ delivery, envelope }: Item) =>
    listing?.epoch === envelope.epoch &&
    listing.sequence > delivery.sequence &&
    clock.nowMs() - listing.heardMs > afterListingMs;

  function answer(key: string, items: readonly Item[], decision: Decision): void {
    for (const item of items) {
      const { delivery, envelope } = item;
      if (decision.kind !== 'unknown') delivery.ack();
      else if (delivery.attempt < waitsMax && !isListedLater(item)) delivery.retry(waitMs);
      else putAside(delivery, { subject: delivery.subject, reason: `no manager has reported ${key}` });
      if (decision.kind === 'written') {
        log.debug('mesh written', { key, revision: decision.revision, event: envelope.event });
      }
    }
  }

  function hearOf(sequence: number, epoch: string): void {
    if (listing?.epoch === epoch && listing.sequence >= sequence) return;
    listing = { epoch, sequence, heardMs: clock.nowMs() };
  }

  /** A listing counts when everything that was published before it is folded in. */
  async function handleListing({ delivery, envelope }: Item): Promise<void> {
    // One of an epoch that is over says nothing of this one; everybody lists anew in it.
    const epoch = await bus.epoch();
    const folded = (await bus.ackFloor(factStream.name, deciderConsumer)) >= delivery.sequence - 1;
    let done = epoch !== undefined && epoch !== envelope.epoch;
    if (isOf(envelope, ['swarm-listing'])) hearOf(delivery.sequence, envelope.epoch);
    if (done) log.debug('a listing of an earlier epoch', { epoch: envelope.epoch });
    else if (folded && isOf(envelope, ['swarm-listing'])) {
      if (await completeEpoch(bus, envelope)) log.info('the mesh is complete', { epoch: envelope.body.epoch });
      done = true;
    } else if (folded && isOf(envelope, ['node-listing'])) {
      done = await foldNodeListing(bus.mesh, replica, envelope, context(), tracer, oddities.count);
    }
    if (done) delivery.ack();
    else delivery.retry(Math.min(waitMs * delivery.attempt, listingWaitMaxMs));
  }

  function decide(key: string, envelopes: readonly Envelope<Fact>[]): Promise<Decision> {
    const parsed = parseKey(key);
    const of = <Kind extends Fact['kind']>(...kinds: readonly Kind[]) => envelopes.filter((held) => isOf(held, kinds));
    const changes = of('service', 'service-gone', 'container');
    switch (parsed?.kind) {
      case 'service':
        return decideService(bus.mesh, parsed.id, changes, context(), tracer, oddities.count);
      case 'node':
        return decideNode(bus.mesh, parsed.id, of('node', 'node-gone'), nowMs(), tracer, oddities.count);
      case 'network':
        return decideNetwork(bus.mesh, parsed.id, of('network', 'network-gone'), nowMs(), tracer, oddities.count);
      default:
        throw new Error(`no entry for ${key}`);
    }
  }

  return {
    async stop() {
      endUpkeep();
      endSweeping();
      oddities.end();
      await Promise.all([consuming.stop(), following.stop()]);
    },
  };
}

function partition<T>(all: readonly T[], holds: (one: T) => boolean): [T[], T[]] {
  return [all.filter(holds), all.filter((one) => !holds(one))];
}

/** The key of the entry that a fact changes: facts about one entry are folded one after the other. */
function entryOf(fact: Fact): string {
  const id = objectOf(fact);
  switch (fact.kind) {
    case 'service':
    case 'service-gone':
    case 'container':
      return keys.service(id);
    case 'node':
    case 'node-gone':
    case 'node-listing':
      return keys.node(id);
    case 'network':
    case 'network-gone':
      return keys.network(id);
    case 'swarm-listing':
      return keys.complete;
  }
}

function isOf<Kind extends Fact['kind']>(
  envelope: Envelope<Fact>,
  kinds: readonly Kind[],
): envelope is Envelope<Extract<Fact, { kind: Kind }>> {
  return (kinds as readonly string[]).includes(envelope.body.kind);
}
