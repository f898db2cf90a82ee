import { type BucketEntry, BusUnavailable, type Message, RevisionConflict } from '../bus.ts';
import { keys } from '../keys.ts';
import { streams } from '../streams.ts';
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import type { MemoryConnection } from './connection.ts';
import { MemoryDurable } from './durable.ts';
import type { MemoryFaults } from './faults.ts';
import { MemoryStream } from './stream.ts';
import { matches } from './subject.ts';

/** What was provisioned, until it is wiped. */
export class World {
  readonly epoch: string;
  readonly streams: ReadonlyMap<string, MemoryStream>;
  readonly durables = new Map<string, MemoryDurable>();
  readonly entries = new Map<string, BucketEntry>();
  revision = 0;

  constructor(epoch: string, clock: Clock) {
    this.epoch = epoch;
    this.streams = new Map(streams.map((shape) => [shape.name, new MemoryStream(shape, clock)]));
    this.write({ key: keys.epoch, text: epoch });
  }

  /** The key's entry if it has this revision, as the contract of `Bucket.put` counts. @throws {RevisionConflict} */
  expect(key: string, revision: number): void {
    const held = this.entries.get(key);
    const absent = held?.text === undefined;
    if (revision === 0 ? !absent : held?.revision !== revision) throw new RevisionConflict(key, revision);
  }

  write(entry: Omit<BucketEntry, 'revision'>): number {
    this.revision += 1;
    // Taken out first, so that the entries stay in the order of their revisions.
    this.entries.delete(entry.key);
    this.entries.set(entry.key, { ...entry, revision: this.revision });
    return this.revision;
  }
}

/** What all connections of a stand-in share: the place of the server. */
export class MemoryServer {
  readonly clock: Clock;
  readonly chance: Chance;
  faults: MemoryFaults;
  world: World | undefined;
  /** Called after each change, by those who read. */
  readonly readers = new Set<() => void>();
  readonly listeners = new Set<{
    readonly pattern: string;
    readonly connection: MemoryConnection;
    hear(message: Message): void;
  }>();

  /** In the order in which they began. */
  readonly answerers = new Set<{
    readonly subject: string;
    readonly connection: MemoryConnection;
    handle(text: string): Promise<string>;
  }>();

  constructor(clock: Clock, chance: Chance, faults: MemoryFaults) {
    this.clock = clock;
    this.chance = chance;
    this.faults = faults;
  }

  provision(): string {
    if (!this.world) {
      const digits = () =>
        Math.floor(this.chance.next() * 2 ** 32)
          .toString(16)
          .padStart(8, '0');
      this.world = new World(`${digits()}${digits()}`, this.clock);
      this.changed();
    }
    return this.world.epoch;
  }

  wipe(): void {
    for (const durable of this.world?.durables.values() ?? []) durable.remove();
    this.world = undefined;
    this.changed();
  }

  /**
   * What the bucket has now, to be put back later as a server does that is restored from a backup: of the same epoch, at
   * the revision of then, and without the messages of the streams.
   */
  backup(): () => void {
    const kept = this.world && { ...this.world, entries: new Map(this.world.entries) };
    return () => {
      if (!kept) return;
      const restored = new World(kept.epoch, this.clock);
      restored.revision = kept.revision;
      restored.entries.clear();
      for (const [key, entry] of kept.entries) restored.entries.set(key, entry);
      this.wipe();
      this.world = restored;
      this.changed();
    };
  }

  /** The provisioned world. @throws {BusUnavailable} where there is none. */
  demand(operation: string): World {
    if (!this.world) throw new BusUnavailable(operation, { cause: new Error('stream not found') });
    return this.world;
  }

  demandStream(operation: string, name: string): MemoryStream {
    const stream = this.demand(operation).streams.get(name);
    if (!stream) throw new BusUnavailable(operation, { cause: new Error(`stream ${name} not found`) });
    return stream;
  }

  store(operation: string, message: Message, id: string, from: MemoryConnection): void {
    const world = this.demand(operation);
    const stream = [...world.streams.values()].find(({ shape }) =>
      shape.subjects.some((pattern) => matches(pattern, message.subject)),
    );
    if (!stream) throw new BusUnavailable(operation, { cause: new Error(`no stream takes ${message.subject}`) });
    this.pass(message, from);
    if (!stream.store(message, id)) return;
    this.changed();
  }

  /** Lets those hear it who listen now, on the side of who says it. */
  pass(message: Message, from: MemoryConnection): void {
    for (const { pattern, connection, hear } of this.listeners) {
      if (connection.hasQuorum === from.hasQuorum && matches(pattern, message.subject)) hear(message);
    }
  }

  changed(): void {
    for (const durable of this.world?.durables.values() ?? []) durable.deliver();
    for (const reader of [...this.readers]) reader();
  }

  durable(stream: string, name: string): MemoryDurable | undefined {
    return this.world?.durables.get(`${stream} ${name}`);
  }

  /** Made where it is missing; undefined while there is no such stream. */
  ensureDurable(stream: string, name: string): MemoryDurable | undefined {
    const held = this.durable(stream, name);
    const of = this.world?.streams.get(stream);
    if (held || !of) return held;
    const made = new MemoryDurable(of, this.clock, this.chance, () => this.faults);
    this.world?.durables.set(`${stream} ${name}`, made);
    return made;
  }
}
