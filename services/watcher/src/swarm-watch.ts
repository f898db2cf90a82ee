import type { Fact, NodeClaim } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import type { Clock } from './clock.ts';
import { Coalescer } from './coalescer.ts';
import { type Docker, DockerUnavailable, type SwarmEvent } from './docker.ts';
import type { EngineNetwork, EngineService, EngineTask } from './engine-schema.ts';
import type { HeldObject, MeshView } from './mesh-view.ts';
import type { Outgoing } from './outbox.ts';
import type { OwnChange } from './own.ts';
import { PutAside } from './put-aside.ts';
import { digest, gist, type ServicePicture, serviceFacts } from './service-picture.ts';
import { confirmService, readService, type ServiceReading, unlessMalformed } from './service-reader.ts';
import { type Ask, hints, type Round, ServiceRounds } from './service-rounds.ts';
import { unsettled } from './settled.ts';
import { goneFact, withoutIndex } from './swarm-facts.ts';
import { TaskWatch } from './task-watch.ts';
import { network } from './translate-network.ts';
import { nodeClaim } from './translate-node.ts';

type Options = {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly log: Log;
  readonly view: MeshView;
  /** Told first, in memory. */
  readonly tell: (change: OwnChange) => void;
  readonly newId: () => string;
  /** The epoch that is published in; undefined while it is not known. */
  readonly epoch: () => string | undefined;
  readonly offer: (outgoing: Outgoing) => void;
  /** Whether a complete listing was offered in this life of the watcher and epoch; answers once for each. */
  readonly firstListing: (epoch: string) => boolean;
};

/**
 * A manager that lost its leadership may answer from the past until it notices, within seconds. What stays below the
 * mesh's index for longer comes from a swarm that was restored from a backup.
 */
const pastUs = 20_000_000;

/** `resync` publishes everything anew, `confirm` only what differs from what was published last. */
type Listing = 'resync' | 'confirm';

/** Where a fact came from: what happened, and the listing that it is part of where everything is published anew. */
type Origin = { readonly event: string; readonly listing?: string };

/** The tasks of a service as a listing of the whole swarm has them, and how much had been read before it. */
type ListedTasks = {
  readonly tasks: readonly EngineTask[];
  readonly partial: boolean;
  readonly readingsBefore: number;
};

/**
 * What a manager's Docker says of the whole swarm. Made anew for each connection to Docker, and when the node is
 * promoted.
 */
export class SwarmWatch {
  readonly #options: Options;
  readonly #listings: Coalescer<Listing>;
  readonly #rounds: ServiceRounds;
  readonly #tasks: TaskWatch;
  /** The gist of what was offered last, by object, so that what says nothing new is not offered again. */
  readonly #told = new Map<string, string>();
  readonly #pictures = new Map<string, ServicePicture>();
  /** When each service was read last, counted in readings. */
  readonly #readings = new Map<string, number>();
  #reading = 0;
  /** Objects whose index Docker has below the mesh's, and since which tick. */
  readonly #behind = new Map<string, number>();
  readonly #putAside = new PutAside();
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
    const { clock, docker, log } = options;
    this.#tasks = new TaskWatch({
      docker,
      clock,
      log,
      onService: (service) => this.#rounds.ask(service, { event: hints.decision }),
      onGap: () => this.list('confirm'),
    });
    const onFailure = (error: unknown) => this.#onFailure(error);
    this.#rounds = new ServiceRounds({
      clock,
      read: (id, ask) => this.#readService(id, ask),
      isWatching: () => this.#tasks.watching,
      onFailure,
    });
    this.#listings = new Coalescer({
      clock,
      work: (listing) => this.#list(listing),
      merge: (a, b) => (a === 'resync' || b === 'resync' ? 'resync' : 'confirm'),
      onFailure,
    });
  }

  /** Lists the whole swarm, now or, where it is being listed, after that. */
  list(listing: Listing): void {
    this.#listings.ask(listing);
  }

  handle(event: SwarmEvent): void {
    if (event.scope !== 'swarm') return;
    const what = `${event.kind} ${event.action}`;
    if (event.kind === 'service') this.#rounds.ask(event.id, { event: what });
    else void this.#refresh(event.kind, event.id, { event: what });
    if (event.kind === 'node' && !this.#tasks.watching) this.#askOfTasksOn(event.id, what);
  }

  /** A node that is drained has its tasks released, of which there is no event where nobody tells what Swarm decides. */
  #askOfTasksOn(node: string, event: string): void {
    const services = new Set([...this.#options.view.liveTasks(node)].map(({ service }) => service));
    for (const service of services) this.#rounds.ask(service, { event });
  }

  /** A node spoke of a container of one of the service's tasks: its managers may soon say more of that task. */
  handleContainer(service: string): void {
    this.#rounds.ask(service, { event: hints.container });
  }

  stop(): void {
    this.#stopped = true;
    this.#listings.stop();
    this.#rounds.stop();
    this.#tasks.stop();
  }

  #onFailure(error: unknown): boolean {
    if (this.#stopped || error instanceof DockerUnavailable) return false;
    this.#options.log.warn('The swarm could not be listed; it is tried again', { why: describe(error) });
    return true;
  }

  async #refresh(kind: 'node' | 'network', id: string, origin: Origin): Promise<void> {
    try {
      await this.#readObject(kind, id, origin);
    } catch (error) {
      if (this.#onFailure(error)) this.list('confirm');
    }
  }

  async #readObject(kind: 'node' | 'network', id: string, origin: Origin): Promise<void> {
    const { docker } = this.#options;
    if (kind === 'node') {
      const node = await unlessMalformed(docker.inspectNode(id));
      if (node === 'malformed') return;
      this.#tell(`node ${id}`, node ? { kind, node: nodeClaim(node), confirmed: false } : goneFact(kind, id), origin);
    } else {
      const found = await unlessMalformed(docker.inspectNetwork(id));
      if (found === 'malformed') return;
      const ours = found && network(found);
      if (ours || !found) this.#tell(`network ${id}`, ours ? { kind, network: ours } : goneFact(kind, id), origin);
    }
  }

  async #readService(id: string, { event }: Ask): Promise<Round> {
    const { docker, view } = this.#options;
    const service = await unlessMalformed(docker.inspectService(id));
    if (service === 'malformed' || this.#stopped) return { state: 'settled', changed: false };
    this.#readings.set(id, ++this.#reading);
    if (!service) {
      this.#pictures.delete(id);
      // Of a service that the mesh never had there is nothing to say but at its own event.
      if (event.startsWith('service') || view.service(id))
        this.#tell(`service ${id}`, goneFact('service', id), { event });
      return { state: 'gone', changed: false };
    }
    const { fit, aside } = await docker.listTasks(id);
    const reading = await readService(this.#from(id), service, fit, { partial: aside.length > 0 });
    const changed = this.#tellService(reading, { event });
    return { state: unsettled(service, reading.tasks) ? 'unsettled' : 'settled', changed };
  }

  #from(id: string) {
    const { docker, view } = this.#options;
    return { docker, view, told: this.#pictures.get(id) };
  }

  async #list(listing: Listing): Promise<void> {
    const { docker, view, clock, epoch, firstListing, offer } = this.#options;
    const id = this.#options.newId();
    const origin: Origin = listing === 'resync' ? { event: 'swarm listing', listing: id } : { event: 'swarm listing' };
    const startedIn = epoch();
    const readingsBefore = this.#reading;

    const listedNetworks = await docker.listNetworks();
    const listedNodes = await docker.listNodes();
    const listedServices = await docker.listServices();
    const listedTasks = await docker.listTasks();
    if (this.#stopped) return;
    const [networks, nodes, services] = [listedNetworks.fit, listedNodes.fit, listedServices.fit];
    const tasks = Map.groupBy(listedTasks.fit, (task: EngineTask) => task.ServiceID);
    const partial = listedTasks.aside.length > 0;

    for (const listed of networks) await this.#tellNetwork(listed, origin);
    for (const listed of nodes) await this.#tellNode(nodeClaim(listed), origin);
    for (const service of services) {
      const listed = { tasks: tasks.get(service.ID) ?? [], partial, readingsBefore };
      await this.#tellListed(service, listed, origin);
    }

    const absent = (held: Iterable<HeldObject>, listed: readonly string[]) => {
      const present = new Set(listed);
      return [...held].filter((object) => !present.has(object.id)).map((object) => object.id);
    };
    const denied: Origin = { event: 'swarm listing', listing: id };
    for (const node of absent(
      view.nodes(),
      nodes.map(({ ID }) => ID),
    ))
      await this.#readObject('node', node, denied);
    for (const held of absent(
      view.networks(),
      networks.map(({ Id }) => Id),
    )) {
      await this.#readObject('network', held, denied);
    }
    for (const held of absent(
      view.services(),
      services.map(({ ID }) => ID),
    )) {
      if ((await unlessMalformed(docker.inspectService(held))) !== undefined) continue;
      this.#pictures.delete(held);
      this.#tell(`service ${held}`, goneFact('service', held), denied);
    }
    if (this.#stopped) return;
    this.#forgetAllBut([networks.map(({ Id }) => Id), nodes.map(({ ID }) => ID), services.map(({ ID }) => ID)].flat());

    const aside = [listedNetworks, listedNodes, listedServices, listedTasks].flatMap((listed) => listed.aside);
    const awaits = this.#putAside.awaits(aside, clock.tickUs());
    if (startedIn === undefined || epoch() !== startedIn) return;
    // The mesh would be complete without what there is, and every node would remove its rules.
    if (awaits && !view.isComplete(startedIn)) return;
    if (!firstListing(startedIn) && view.isComplete(startedIn)) return;
    const fact: Fact = { kind: 'swarm-listing', listing: id, epoch: startedIn };
    const atMs = clock.nowMs();
    offer({
      key: 'swarm listing',
      fact,
      id: `swarm-listing:${id}`,
      event: origin.event,
      atMs,
      barrier: true,
    });
  }

  /** What was said of objects that Docker no longer has need not be remembered. */
  #forgetAllBut(listed: readonly string[]): void {
    const present = new Set(listed);
    for (const key of this.#told.keys()) if (!present.has(key.split(' ')[1] ?? '')) this.#told.delete(key);
    for (const id of this.#readings.keys()) if (!present.has(id)) this.#readings.delete(id);
    for (const id of this.#behind.keys()) if (!present.has(id)) this.#behind.delete(id);
  }

  async #tellListed(
    service: EngineService,
    { tasks, partial, readingsBefore }: ListedTasks,
    origin: Origin,
  ): Promise<void> {
    const { ID: id } = service;
    const reading = await readService(this.#from(id), service, tasks, { partial });
    // What was read for an event meanwhile is newer than the listing; it only has to be told as part of a resync.
    if ((this.#readings.get(id) ?? 0) > readingsBefore && !origin.listing) return;
    const past = this.#past(id, reading.behind);
    if (past === 'none') this.#tellService(reading, origin);
    if (past !== 'lasting') return;
    const confirmed = await confirmService(this.#from(id), id);
    if (confirmed) this.#tellService(confirmed, origin);
  }

  async #tellNetwork(listed: EngineNetwork, origin: Origin): Promise<void> {
    const { docker, view } = this.#options;
    const ours = network(listed);
    if (!ours) return;
    const isRemoved = () => view.isRemoved('network', ours.id);
    const past = this.#past(ours.id, isRemoved());
    if (past === 'none') this.#tell(`network ${ours.id}`, { kind: 'network', network: ours }, origin);
    if (past !== 'lasting') return;
    const again = await unlessMalformed(docker.inspectNetwork(ours.id));
    const confirmed = again && again !== 'malformed' && network(again);
    if (confirmed && isRemoved())
      this.#tell(`network ${ours.id}`, { kind: 'network', network: confirmed, confirmed: true }, origin);
  }

  async #tellNode(claim: NodeClaim, origin: Origin): Promise<void> {
    const { docker, view } = this.#options;
    const key = `node ${claim.id}`;
    const isBehind = (index: number) =>
      view.isRemoved('node', claim.id) || index < ([...view.nodes()].find(({ id }) => id === claim.id)?.index ?? 0);
    const past = this.#past(claim.id, isBehind(claim.index));
    if (past === 'none') this.#tell(key, { kind: 'node', node: claim, confirmed: false }, origin);
    if (past !== 'lasting') return;
    const again = await unlessMalformed(docker.inspectNode(claim.id));
    if (!again || again === 'malformed' || !isBehind(again.Version.Index)) return;
    this.#tell(key, { kind: 'node', node: nodeClaim(again), confirmed: true }, origin);
  }

  /** Whether Docker answers with what the mesh knows to be old, and whether that lasts. */
  #past(id: string, behind: boolean): 'none' | 'new' | 'lasting' {
    if (!behind) {
      this.#behind.delete(id);
      return 'none';
    }
    const now = this.#options.clock.tickUs();
    const since = this.#behind.get(id) ?? now;
    this.#behind.set(id, since);
    return now - since < pastUs ? 'new' : 'lasting';
  }

  #tellService({ picture }: ServiceReading, origin: Origin): boolean {
    if (this.#stopped) return false;
    const { id } = picture.spec;
    this.#pictures.set(id, picture);
    const now = gist(picture);
    if (!origin.listing && this.#told.get(`service ${id}`) === now) return false;
    this.#told.set(`service ${id}`, now);
    const released = picture.tasks.filter(({ claim }) => claim === 'released');
    // First: the bus may need an election.
    this.#options.tell({ kind: 'released', service: id, tasks: new Map(released.map(({ id, index }) => [id, index])) });
    serviceFacts(picture).forEach((fact, part) => {
      this.#offer(part === 0 ? `service ${id}` : `service ${id} ${part}`, fact, origin);
    });
    return true;
  }

  /** Offers a fact about an object unless its gist was the last thing said of it. */
  #tell(key: string, fact: Fact, origin: Origin): void {
    if (this.#stopped) return;
    const now = digest(withoutIndex(fact));
    if (!origin.listing && this.#told.get(key) === now) return;
    this.#told.set(key, now);
    this.#offer(key, fact, origin);
  }

  #offer(key: string, fact: Fact, { event, listing }: Origin): void {
    const id = `${key.replaceAll(' ', ':')}:${digest(fact)}:${listing ?? ''}`;
    this.#options.offer({ key, fact, id, event, atMs: this.#options.clock.nowMs() });
  }
}
