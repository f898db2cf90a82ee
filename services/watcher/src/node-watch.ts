import { type ContainerFact, type Fact, type Incarnation, sameIncarnation } from '@fairway/mesh';
import { describe, type Log, type Tracer } from '@fairway/telemetry';
import type { Clock } from './clock.ts';
import { Coalescer } from './coalescer.ts';
import { ContainerLives, type HeldContainer } from './container-lives.ts';
import { type ContainerEvent, type Docker, DockerMalformed, DockerUnavailable } from './docker.ts';
import type { EngineContainerSummary } from './engine-schema.ts';
import type { MeshView } from './mesh-view.ts';
import { beginSend, type Outgoing } from './outbox.ts';
import type { Own, OwnChange } from './own.ts';
import { PutAside } from './put-aside.ts';
import { containerLife, eventLife, listedLife, signalNumber } from './translate-container.ts';

type Options = {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly log: Log;
  readonly tracer: Tracer;
  readonly view: MeshView;
  readonly newId: () => string;
  readonly own: () => Own | undefined;
  /** Whether the view is that of a bus which can be reached now, so that what it lacks is nowhere else. */
  readonly viewIsCurrent: () => boolean;
  /** Told first, in memory. */
  readonly tell: (change: OwnChange) => void;
  /** Told second, for the bus. */
  readonly offer: (outgoing: Outgoing) => void;
  /** The container of one of the service's tasks changed. */
  readonly onService: (service: string) => void;
};

/** A task that the mesh takes to live on this node. */
type LiveTask = { readonly task: string; readonly service: string };

/** `resync` publishes everything and that it was everything; `confirm` what was not known, or the mesh has otherwise. */
type Listing = 'resync' | 'confirm';

/** How many containers are inspected at a time when they are listed. */
const inspectionsMax = 8;

/**
 * What a node's own Docker says of the containers of its tasks. Made anew for each connection to Docker: what an older
 * one still answers is not heard any more.
 */
export class NodeWatch {
  readonly #options: Options;
  readonly #node: string;
  readonly #incarnation: Incarnation;
  readonly #lives: ContainerLives;
  readonly #stopSignals = new Map<string, number>();
  readonly #listings: Coalescer<Listing>;
  /** Containers, and tasks without one, of which the mesh had an older and other word than this node's at the last listing. */
  #unlike: ReadonlySet<string> = new Set();
  readonly #putAside = new PutAside();
  /** Whether the last listing that was published is only a part: there is to be another one. */
  #owesListing = false;
  #lastTick = 0;
  #stopped = false;

  constructor(node: string, incarnation: Incarnation, options: Options) {
    this.#options = options;
    this.#node = node;
    this.#incarnation = incarnation;
    this.#lives = new ContainerLives();
    this.#listings = new Coalescer({
      clock: options.clock,
      work: (listing) => this.#list(listing),
      merge: (a, b) => (a === 'resync' || b === 'resync' ? 'resync' : 'confirm'),
      onFailure: (error) => this.#onFailure('The containers could not be listed', error),
    });
  }

  /** Lists the containers, now or, where they are being listed, after that. */
  list(listing: Listing): void {
    this.#listings.ask(this.#owesListing ? 'resync' : listing);
  }

  handle(event: ContainerEvent): void {
    const tick = this.#tick();
    const { id, task, service } = event;
    const life = eventLife(event, this.#stopSignals.get(id) ?? signalNumber(undefined));
    if (life === 'inspect') {
      this.#observe({ id, task, service, state: 'starting', tick }, `container ${event.action}`);
      void this.#inspect({ id, task, service }, `container ${event.action}`);
    } else if (life) {
      this.#observe({ id, task, service, state: life, tick }, `container ${event.action}`);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#listings.stop();
  }

  /** Microseconds of CLOCK_MONOTONIC, never the same twice: readings are ordered by them. */
  #tick(): number {
    this.#lastTick = Math.max(this.#lastTick + 1, this.#options.clock.tickUs());
    return this.#lastTick;
  }

  #onFailure(what: string, error: unknown): boolean {
    if (this.#stopped || error instanceof DockerUnavailable) return false;
    this.#options.log.warn(what, { why: describe(error) });
    return true;
  }

  async #inspect(of: { id: string; task: string; service: string }, event: string): Promise<void> {
    const tick = this.#tick();
    try {
      const state = await this.#look(of.id);
      if (!this.#stopped && this.#lives.get(of.id)) this.#observe({ ...of, state, tick }, event);
    } catch (error) {
      if (error instanceof DockerMalformed) return;
      // The next listing, asked for at once, looks again and goes on trying.
      if (this.#onFailure('A container could not be inspected', error)) this.list('confirm');
    }
  }

  async #look(id: string): Promise<HeldContainer['state']> {
    const container = await this.#options.docker.inspectContainer(id);
    if (!container) return 'dead';
    this.#stopSignals.set(id, signalNumber(container.Config.StopSignal));
    return containerLife(container.State);
  }

  #observe(offered: HeldContainer, event: string, listing?: Listing): void {
    const changed = this.#lives.observe(offered, listing !== undefined);
    if (!changed) return;
    if (listing === 'resync') {
      // It tells everything when it is complete; what ended is not sent to for as long as that takes.
      if (changed.state === 'dead') this.#tellOwn(changed);
      return;
    }
    const outgoing = this.#outgoing(changed, event, undefined);
    const span = beginSend(this.#options.tracer, outgoing);
    this.#tellOwn(changed, span.traceparent);
    this.#options.offer({ ...outgoing, span });
    this.#options.onService(changed.service);
  }

  #tellOwn({ task, service, id, state, tick }: HeldContainer, trace?: string): void {
    const change = { kind: 'container', task, service, container: id, state, tick } as const;
    this.#options.tell(trace === undefined ? change : { ...change, trace });
  }

  #outgoing({ id, task, service, state, tick }: HeldContainer, event: string, listing: string | undefined): Outgoing {
    const reading = { incarnation: this.#incarnation, tick };
    const fact: ContainerFact = { kind: 'container', node: this.#node, service, task, container: id, state, reading };
    const about = `container:${id}:${state}:${tick}:${listing ?? ''}`;
    return { key: `container ${id}`, fact, id: about, event, atMs: this.#options.clock.nowMs() };
  }

  #forget(id: string): void {
    this.#lives.forget(id);
    this.#stopSignals.delete(id);
  }

  async #list(listing: Listing): Promise<void> {
    const tick = this.#tick();
    const { fit, aside } = await this.#options.docker.listContainers();
    if (this.#stopped) return;
    const listed = fit.filter(({ Labels }) => Labels['com.docker.swarm.node.id'] === this.#node);
    // Of what ended the list tells by itself, whatever a look at another container takes.
    for (const container of listed) {
      const state = listedLife(container.State);
      if (state === 'dead') this.#observe({ ...identityOf(container), state, tick }, 'container listing', listing);
    }
    const states = await this.#lookAtAll(listed);
    if (this.#stopped) return;
    for (const [container, state] of states) {
      this.#observe({ ...identityOf(container), state, tick }, 'container listing', listing);
    }
    this.#dropAbsent(new Set([...listed.map(({ Id }) => Id), ...aside]), tick);
    const tasks = listed.map(({ Labels }) => Labels['com.docker.swarm.task.id']);
    // Of one that was seen before it is known whose it is; of others it may be any task's.
    const unknown = aside.filter((id) => !this.#lives.get(id));
    const partial = this.#putAside.awaits(unknown, tick);
    const denied = partial ? [] : this.#denyAbsent(new Set(tasks), tick);
    if (listing === 'confirm') this.#tellAgain(denied.filter((task) => this.#isToldOf(task, tick)));
    else this.#publishAll(tick, tasks, partial);
  }

  /**
   * Tells the bus again of containers that the mesh has otherwise at two listings in a row. A fact that is late may come
   * after a later one that said what the mesh had already, or of a task that was forgotten: of that nothing was kept by
   * which the late one is known as old. That there is no container of a task is only told by a whole listing.
   */
  #tellAgain(denied: readonly LiveTask[]): void {
    if (!this.#options.viewIsCurrent()) return;
    const unlike = this.#lives.all().filter((held) => this.#isUnlike(held));
    for (const held of unlike) {
      if (this.#unlike.has(held.id)) {
        this.#options.offer(this.#outgoing(held, 'container listing', this.#options.newId()));
      }
    }
    if (denied.some(({ task }) => this.#unlike.has(task))) this.list('resync');
    this.#unlike = new Set([...unlike.map(({ id }) => id), ...denied.map(({ task }) => task)]);
  }

  /** Whether a listing ends what the mesh was told of the container of a task that has none, in whatever life of dockerd's. */
  #isToldOf({ task, service }: LiveTask, tick: number): boolean {
    const told = this.#options.view.container(this.#node, service, task);
    if (!told || told.container === 'unknown' || told.container === 'dead') return false;
    return told.incarnation?.boot === this.#incarnation.boot && told.tick !== undefined && told.tick < tick;
  }

  #isUnlike({ task, service, state, tick }: HeldContainer): boolean {
    const told = this.#options.view.container(this.#node, service, task);
    if (!told || told.container === state) return false;
    // Of another boot nothing can be said: its ticks are others.
    if (told.incarnation && !sameIncarnation(told.incarnation, this.#incarnation)) return false;
    return told.tick === undefined || told.tick < tick;
  }

  async #lookAtAll(
    listed: readonly EngineContainerSummary[],
  ): Promise<Map<EngineContainerSummary, HeldContainer['state']>> {
    const states = new Map<EngineContainerSummary, HeldContainer['state']>();
    const queue = [...listed];
    const look = async () => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const known = listedLife(next.State);
        try {
          states.set(next, known ?? (await this.#look(next.Id)));
        } catch (error) {
          if (!(error instanceof DockerMalformed)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: inspectionsMax }, look));
    return states;
  }

  /** Containers that were seen before Docker was asked, and that it no longer has. */
  #dropAbsent(listed: ReadonlySet<string>, tick: number): void {
    for (const held of this.#lives.all()) {
      if (listed.has(held.id) || held.tick >= tick) continue;
      this.#observe({ ...held, state: 'dead', tick }, 'container listing', 'confirm');
      this.#forget(held.id);
    }
  }

  /**
   * Tasks that the mesh takes to live here and that have no container: it ended while nobody watched. The executor is
   * told at once; the bus learns it from the listing's fact. Then forgets what nobody has any more. Answers those tasks.
   */
  #denyAbsent(listed: ReadonlySet<string>, tick: number): readonly LiveTask[] {
    const { view, viewIsCurrent, own, tell } = this.#options;
    const absent = (task: string) => !listed.has(task) && !this.#lives.hasTask(task);
    const denied = [...view.liveTasks(this.#node)].filter(({ task }) => absent(task));
    for (const { task, service } of denied) {
      if (own()?.containers.get(task)?.state === 'dead') continue;
      tell({ kind: 'container', task, service, container: '', state: 'dead', tick });
    }
    if (!viewIsCurrent()) return denied;
    const held = new Set([...view.services()].flatMap(({ id }) => [...view.tasks(id)].map((task) => task.id)));
    for (const task of own()?.containers.keys() ?? []) {
      if (absent(task) && !held.has(task)) tell({ kind: 'forgotten', task });
    }
    return denied;
  }

  /** `listed` are tasks that have a container, be it one that cannot be read: none of them is denied. */
  #publishAll(tick: number, listed: readonly string[], partial: boolean): void {
    this.#owesListing = partial;
    const listing = this.#options.newId();
    const all = this.#lives.all();
    for (const held of all) {
      this.#tellOwn(held);
      this.#options.offer(this.#outgoing(held, 'container listing', listing));
    }
    const tasks = [...new Set([...all.map(({ task }) => task), ...listed])];
    const incarnation = this.#incarnation;
    const of = { listing, node: this.#node, incarnation, tick, tasks };
    const fact: Fact = { kind: 'node-listing', ...of, ...(partial ? { partial } : {}) };
    const atMs = this.#options.clock.nowMs();
    const id = `node-listing:${listing}`;
    this.#options.offer({ key: 'node listing', fact, id, event: 'container listing', atMs, barrier: true });
  }
}

function identityOf({ Id, Labels }: EngineContainerSummary): { id: string; task: string; service: string } {
  return { id: Id, task: Labels['com.docker.swarm.task.id'], service: Labels['com.docker.swarm.service.id'] };
}
