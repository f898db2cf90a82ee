import type { Bus, MemoryBus, MeshReplica } from '@fairway/bus';
import { type Console, startConsole } from '@fairway/console';
import { type Decider, startDecider } from '@fairway/decider';
import type { Kernel } from '@fairway/executor';
import type { View } from '@fairway/mesh';
import { type Heart, type JoinedNode, joinNode, OwnFile, startHeart } from '@fairway/node';
import { type Sentinel, startSentinel } from '@fairway/sentinel';
import type { Log } from '@fairway/telemetry';
import type { Invariants } from '../invariants/invariants.ts';
import { entriesOf } from '../kernel-lines.ts';
import type { Latency } from '../swarm/latency.ts';
import type { Machine } from '../swarm/machine.ts';
import type { Paths } from '../swarm/paths.ts';
import { Life } from './life.ts';
import { busOf, diskOf, dockerOf, kernelOf } from './ports.ts';

/** What a process is started in. */
type Surroundings = {
  readonly bus: MemoryBus;
  readonly latency: Latency;
  readonly say: (who: string, what: string) => void;
  readonly newId: () => string;
  readonly invariants: Invariants;
  /** Where there are sentinels. */
  readonly paths?: Paths;
};

/** Simulated time begins here on a wall clock that is right, milliseconds since 1970. */
const wallMs = 1_800_000_000_000;

/** One of Fairway's processes, which is started, dies and is started again. */
export abstract class Process {
  readonly name: string;
  /** How far its machine's wall clock is from the right time. */
  readonly skewMs: number;
  protected readonly surroundings: Surroundings;
  #connection: MemoryBus | undefined;
  #life: Life | undefined;

  constructor(name: string, skewMs: number, surroundings: Surroundings) {
    this.name = name;
    this.skewMs = skewMs;
    this.surroundings = surroundings;
  }

  get life(): Life | undefined {
    return this.#life?.alive ? this.#life : undefined;
  }

  /** Its connection to the bus, to be cut. */
  get connection(): MemoryBus | undefined {
    return this.#life?.alive ? this.#connection : undefined;
  }

  start(): void {
    if (this.life || !this.mayStart()) return;
    const { bus, latency, say } = this.surroundings;
    const life = new Life(latency.clock, wallMs + this.skewMs, this.bootMs());
    this.#life = life;
    this.#connection = bus.another();
    say(this.name, 'starts');
    life.onDeath(() => say(this.name, 'dies'));
    void this.run(life, busOf(life, this.#connection));
  }

  protected mayStart(): boolean {
    return true;
  }

  protected bootMs(): number {
    return 0;
  }

  protected abstract run(life: Life, bus: Bus): Promise<unknown>;

  /** Warnings and errors are part of the story. */
  protected log(): Log {
    const { say } = this.surroundings;
    const told =
      (level: string) =>
      (message: string, fields: Record<string, unknown> = {}) =>
        say(this.name, `${level}: ${[message, fields.why, fields.reason].filter(Boolean).join(': ')}`);
    const log: Log = { debug: () => {}, info: () => {}, warn: told('warn'), error: told('error'), with: () => log };
    return log;
  }
}

/** A decider. */
export class DeciderProcess extends Process {
  protected async run(life: Life, bus: Bus): Promise<Decider> {
    return startDecider({ bus, log: this.log(), clock: life.clock, nowMs: () => life.clock.nowMs() });
  }
}

/** A console. */
export class ConsoleProcess extends Process {
  #console: Console | undefined;

  protected async run(life: Life, bus: Bus): Promise<void> {
    this.#console = startConsole({ bus, log: this.log(), clock: life.clock });
  }

  /** What it shows; undefined while it has nothing to show. */
  async view(): Promise<View | undefined> {
    return this.life ? this.#console?.view() : undefined;
  }
}

/** A sentinel, at a fifth of its pace: so much the fewer beats there are. */
export class SentinelProcess extends Process {
  protected async run(life: Life, bus: Bus): Promise<Sentinel> {
    const sentinel = startSentinel({
      bus,
      log: this.log(),
      clock: life.clock,
      nowMs: () => life.clock.nowMs(),
      lookMs: beatEveryMs / 8,
    });
    sentinel.through(bus);
    return sentinel;
  }
}

/** The process on a machine that is watcher and executor in one. */
export class NodeProcess extends Process {
  readonly machine: Machine;
  /** The most that the kernel takes for an operation, and for its answer. */
  slowMs: number = usualMs;

  constructor(machine: Machine, skewMs: number, surroundings: Surroundings) {
    super(machine.name, skewMs, surroundings);
    this.machine = machine;
  }

  protected override mayStart(): boolean {
    return this.machine.powered;
  }

  protected override bootMs(): number {
    return this.machine.bootMs;
  }

  protected async run(life: Life, bus: Bus): Promise<void> {
    const { latency, newId, paths } = this.surroundings;
    // What it begins with is from its disk, and not complete whatever it says.
    let begun: { readonly replica: MeshReplica; readonly services: unknown } | undefined;
    const isComplete = () => {
      const mesh = begun?.replica.mesh;
      return mesh?.complete === true && mesh.services !== begun?.services;
    };
    const docker = dockerOf(life, this.machine.docker);
    const info = () => docker.info().catch(() => undefined);
    let found = await info();
    const disk = diskOf(life, this.machine.disk, latency);
    const { boot } = this.machine;
    const namespace = async () => (await this.machine.kernel.sandboxes()).get('ingress');
    const ownFile = new OwnFile({ path: 'own', boot, namespace, log: this.log(), clock: life.clock, disk });
    const remembered = found ? undefined : await ownFile.read();
    if (remembered) found = { ...remembered, manager: false, state: 'active' };
    for (; !found?.node; found = await info()) await life.after(500);
    const joined = await joinNode({
      bus,
      docker,
      kernel: kernelOf(life, this.#watched(isComplete), latency, () => this.slowMs),
      swarm: found.swarm ?? found.node,
      meshPath: 'mesh',
      log: this.log(),
      disk,
      ownFile,
      remembered,
      clock: life.clock,
      boot,
      newId,
      onOwn: (own) => heart?.as(own),
      onWord: (word) => heart?.say(word),
      onNodes: (nodes) => heart?.expect(nodes),
    });
    const { replica } = joined;
    begun = { replica, services: replica.mesh.services };
    const heart = paths && this.#heart(life, bus, paths, joined);
    if (remembered) heart?.as(remembered);
  }

  #heart(life: Life, bus: Bus, paths: Paths, joined: JoinedNode): Heart {
    const heart = startHeart({
      clock: life.clock,
      tickUs: life.clock.tickUs,
      probe: async (sandbox) =>
        (await life.effect(() => paths.answers(this.machine, sandbox))) ? 'reached' : 'silent',
      onVerdict: (verdict) => joined.hearVerdict(verdict),
      onWord: (word) => joined.hearWord(word),
      onUnreadable: (error) => {
        throw error;
      },
      onFlood: (node) => this.surroundings.say(this.name, `${node} says too much`),
      // It has one server.
      onBack: () => {},
      everyMs: beatEveryMs,
    });
    heart.through(bus, 'nats://bus:4222');
    return heart;
  }

  /** The machine's kernel, each change of which is looked at. `isComplete` tells whether the mesh acted on is. */
  #watched(isComplete: () => boolean): Kernel {
    const { machine, surroundings } = this;
    const { kernel } = machine;
    const entries = () => entriesOf(kernel, machine.networks);
    return {
      ...kernel,
      apply: async (namespace, transaction) => {
        const before = entries();
        const complete = isComplete();
        try {
          return await kernel.apply(namespace, transaction);
        } finally {
          surroundings.invariants.applied(machine, before, entries(), complete);
        }
      },
    };
  }
}

const usualMs = 4;
const beatEveryMs = 1_000;
