import { describe, type Log, type Tracer } from '@fairway/telemetry';
import { backoffMs, type Clock, pause } from './clock.ts';
import { Coalescer } from './coalescer.ts';
import { type Docker, type DockerEvents, type DockerInfo, DockerUnavailable } from './docker.ts';
import type { MeshView } from './mesh-view.ts';
import { NodeWatch } from './node-watch.ts';
import type { Outgoing } from './outbox.ts';
import type { Own, OwnChange } from './own.ts';
import { SwarmWatch } from './swarm-watch.ts';

/** The daemon is asked whether it lives, and what it has no events for, this often. */
export const checkEveryMs = 10_000;
/** Everything is listed this often, to find what no event told. */
const confirmEveryMs = 30_000;
/**
 * Everything is published anew this often, well within the age of the facts' stream: what was lost there before a decider
 * had it is told again.
 */
const resyncEveryMs = 600_000;

export type SessionOptions = {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly log: Log;
  readonly tracer: Tracer;
  readonly view: MeshView;
  /** Id of this boot of the kernel. */
  readonly boot: string;
  /** An id for a complete listing. */
  readonly newId: () => string;
  readonly epoch: () => string | undefined;
  readonly viewIsCurrent: () => boolean;
  readonly firstListing: (epoch: string) => boolean;
  readonly own: () => Own | undefined;
  readonly tell: (change: OwnChange) => void;
  readonly offer: (outgoing: Outgoing) => void;
  /** Which node this is; before anything is offered for it. */
  readonly onNode: (node: string) => void;
  /** Told whether the node is a manager, at the least whenever that changes. */
  readonly onManager: (manager: boolean) => void;
};

/**
 * One connection to Docker, from opening its events until they end: one incarnation of one node in one swarm. All that
 * was under way when it ends is forgotten, and the next one lists everything anew.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #events: DockerEvents;
  readonly #end = new AbortController();
  readonly #checks: Coalescer<undefined>;
  readonly #sandboxes: Coalescer<undefined>;
  #node: NodeWatch | undefined;
  #swarm: SwarmWatch | undefined;
  #id: string | undefined;
  /** Its addresses as they were told last. */
  #sandbox: string | undefined;

  private constructor(events: DockerEvents, options: SessionOptions) {
    this.#options = options;
    this.#events = events;
    const { clock, log } = options;
    const coalescer = (work: () => Promise<void>, what: string) =>
      new Coalescer<undefined>({
        clock,
        work,
        merge: () => undefined,
        onFailure: (error) => {
          // The next regular check comes anyway.
          if (!this.#end.signal.aborted) log.warn(what, { why: describe(error) });
          return false;
        },
      });
    this.#checks = coalescer(() => this.#check(), 'Docker could not be asked for its state');
    this.#sandboxes = coalescer(() => this.#readSandbox(), 'Docker could not be asked for the ingress sandbox');
  }

  /** Opens Docker's events. @throws {DockerUnavailable | DockerRefused} */
  static async open(options: SessionOptions): Promise<Session> {
    return new Session(await options.docker.events(), options);
  }

  /**
   * Goes on until it is stopped, or until the node is in another swarm, incarnation or none.
   *
   * @throws {DockerUnavailable} when the daemon is lost.
   */
  async run(): Promise<void> {
    const { boot, onNode, tell } = this.#options;
    try {
      const { info, node, daemon } = await this.#member();
      if (!node || !daemon) return;
      this.#id = node;
      const incarnation = { boot, daemon };
      onNode(node);
      const swarm = info.swarm ? { swarm: info.swarm } : {};
      tell({ kind: 'identity', node, incarnation, ...swarm });
      this.#node = new NodeWatch(node, incarnation, {
        ...this.#options,
        onService: (service) => this.#swarm?.handleContainer(service),
      });
      this.#node.list('resync');
      this.#sandboxes.ask(undefined);
      this.#setManager(info.manager);
      this.#every(checkEveryMs, () => this.#checks.ask(undefined));
      this.#every(confirmEveryMs, () => {
        this.#node?.list('confirm');
        this.#swarm?.list('confirm');
      });
      this.#every(resyncEveryMs, () => this.resync());
      await this.#follow();
    } finally {
      this.stop();
    }
  }

  /** Publishes everything anew. */
  resync(): void {
    this.#node?.list('resync');
    this.#swarm?.list('resync');
  }

  /** Another node spoke of a container of this service. */
  handleContainer(service: string): void {
    this.#swarm?.handleContainer(service);
  }

  stop(): void {
    this.#end.abort();
    this.#events.stop();
    this.#checks.stop();
    this.#sandboxes.stop();
    this.#node?.stop();
    this.#swarm?.stop();
  }

  /** Waits until this node is a member of a swarm. Without a node in the answer the session was stopped. */
  async #member(): Promise<{ info: DockerInfo; node?: string; daemon?: string }> {
    const { docker, clock, log, tell } = this.#options;
    const { signal } = this.#end;
    for (let attempt = 0; ; attempt++) {
      const info = await docker.info();
      const daemon = await docker.daemon();
      if (signal.aborted) return { info };
      if (info.node && info.state === 'active' && daemon) return { info, node: info.node, daemon };
      const why = daemon ? `the swarm says ${info.state}` : 'no bridge network and no ingress sandbox';
      // Said twice, ten seconds apart: nothing that passes by itself.
      if (attempt === 1 && info.state === 'inactive') tell({ kind: 'left' });
      if (attempt === 0) log.info('This node takes no part in a swarm yet; waiting', { why });
      // A node that is just starting is `pending` for a moment; one that is in no swarm may stay so for ever.
      await pause(clock, info.state === 'inactive' ? checkEveryMs : backoffMs(attempt), signal);
    }
  }

  async #follow(): Promise<void> {
    for await (const event of this.#events) {
      if (this.#end.signal.aborted) return;
      if (event.kind === 'container') this.#node?.handle(event);
      else if (event.kind !== 'daemon') this.#swarm?.handle(event);
      // There is no event for the sandbox's own place on docker_gwbridge; it comes and goes with its networks.
      if (event.kind === 'network') this.#sandboxes.ask(undefined);
      if (event.kind === 'node' && event.id === this.#id) this.#checks.ask(undefined);
    }
  }

  #every(periodMs: number, call: () => void): void {
    const cancel = this.#options.clock.after(periodMs, () => {
      this.#end.signal.removeEventListener('abort', cancel);
      if (this.#end.signal.aborted) return;
      this.#every(periodMs, call);
      call();
    });
    this.#end.signal.addEventListener('abort', cancel, { once: true });
  }

  #setManager(manager: boolean): void {
    // First: what is listed after it may be told of while it is listed.
    this.#options.onManager(manager);
    if (manager === (this.#swarm !== undefined)) return;
    this.#swarm?.stop();
    this.#swarm = manager ? new SwarmWatch(this.#options) : undefined;
    this.#swarm?.list('resync');
    this.#options.log.info(manager ? 'This node is a manager: it reports the swarm' : 'This node is a worker');
  }

  async #check(): Promise<void> {
    const { docker } = this.#options;
    try {
      await docker.ping();
    } catch (error) {
      // A daemon that hangs keeps its stream of events open and says nothing on it.
      if (error instanceof DockerUnavailable) this.stop();
      throw error;
    }
    this.#sandboxes.ask(undefined);
    const info: DockerInfo = await docker.info();
    if (this.#end.signal.aborted) return;
    if (info.node === this.#id && info.state !== 'inactive') this.#setManager(info.manager);
    else this.stop();
  }

  async #readSandbox(): Promise<void> {
    const { docker, tell } = this.#options;
    const [gateway, sandbox] = await Promise.all([docker.ingressGateway(), docker.ingressAddress()]);
    const told = `${gateway?.text} ${sandbox?.text}`;
    if (this.#end.signal.aborted || told === this.#sandbox) return;
    this.#sandbox = told;
    tell({ kind: 'sandbox', ...(gateway ? { gateway } : {}), ...(sandbox ? { sandbox } : {}) });
  }
}
