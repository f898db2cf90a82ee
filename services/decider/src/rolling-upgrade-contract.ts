import { type Bus, deadLetterStream, factMessage, keys, MeshReplica, subjects } from '@fairway/bus';
import type { Fact } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDecider } from './decider.ts';
import { claim, container, report, shown } from './decider-lab.ts';
import { more, nextRelease } from './next-release.ts';

/** A bus of its own for each test, and further connections to it. */
export type UpgradeSubject = { readonly bus: Bus; another(): Promise<Bus>; close(): Promise<void> };

/** An upgrade in its midst: services of this release, which is the older one, and of the next one. */
export class Upgrade {
  readonly #subject: UpgradeSubject;
  readonly #going: { stop(): Promise<void> }[] = [];
  readonly #replica = new MeshReplica();
  #told = 0;
  /** What deciders said to be wrong. */
  readonly said: string[] = [];
  /** Each dead letter's reason. */
  readonly putAside: string[] = [];

  constructor(subject: UpgradeSubject) {
    this.#subject = subject;
  }

  async begin(): Promise<void> {
    const { bus } = this.#subject;
    await bus.provision();
    this.#going.push(bus.mesh.follow(this.#replica.follower));
    this.#going.push(
      bus.tail(deadLetterStream.name, subjects.deadLetters, ({ text }) => {
        this.putAside.push((JSON.parse(text) as { reason: string }).reason);
      }),
    );
  }

  /** Starts a decider of this release, or of the next one. */
  async decider(release: 'older' | 'fields' | 'version') {
    const bus = await this.#subject.another();
    const keep = (message: string, fields: Record<string, unknown> = {}) =>
      void this.said.push(`${message}: ${fields.reason}`);
    const log: Log = { debug() {}, info() {}, warn: keep, error: keep, with: () => log };
    const decider = startDecider({ bus: release === 'older' ? bus : nextRelease(bus, release), log });
    this.#going.push(decider);
    return decider;
  }

  /** A fact as a watcher of this release tells it, or of the next one. */
  async tell(fact: Fact, release: 'older' | 'fields' | 'version' = 'older'): Promise<void> {
    const bus = release === 'older' ? this.#subject.bus : nextRelease(this.#subject.bus, release);
    const sender = 'node' in fact && typeof fact.node === 'string' ? fact.node : 'm1';
    const epoch = (await bus.epoch()) ?? 'none';
    await bus.publish(factMessage(sender, epoch, fact, fact.kind, 1, ''), `f${this.#told++}`);
  }

  /** The entry as it stands in the bucket. */
  async entry(key: string): Promise<Record<string, unknown> | undefined> {
    const text = (await this.#subject.bus.mesh.get(key))?.text;
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** What of the next release is in the entry: the field of its own, and in how many endpoints their further place. */
  async further(key: string): Promise<(typeof more & { endpoints: number }) | undefined> {
    const entry = await this.entry(key);
    if (!entry?.later) return undefined;
    const { endpoints } = (entry.packed ?? { endpoints: [] }) as { endpoints: readonly unknown[][] };
    const kept = endpoints.filter((endpoint) => endpoint.at(9) === `later ${endpoint[0]}`);
    return { later: entry.later as typeof more.later, endpoints: kept.length };
  }

  /** A service as a reader of this release has it. */
  shown(service: string): string[] {
    return this.#replica.current ? shown(this.#replica.current, service) : [];
  }

  async end(): Promise<void> {
    await Promise.all(this.#going.map((one) => one.stop()));
    await this.#subject.close();
  }
}

/** Waits until it does not throw. */
export const becomes = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000, interval: 20 });

/** What holds while two releases run side by side, whatever bus they are on. */
export function upgradeContract(name: string, open: () => Promise<UpgradeSubject>): void {
  describe(`two releases side by side, ${name}`, () => {
    let upgrade: Upgrade;
    beforeEach(async () => {
      upgrade = new Upgrade(await open());
      await upgrade.begin();
    });
    afterEach(() => upgrade.end());
    const tasks = [claim('t1', 'n1', 6), claim('t2', 'n2', 7)];

    test('an older decider reads a newer watcher, and hands on what that says of a service', async () => {
      await upgrade.decider('older');
      await upgrade.tell(report('web', 5, tasks), 'fields');
      await upgrade.tell(container('web', 't1', 'n1', 100), 'fields');
      await becomes(() => expect(upgrade.shown('web')).toEqual(['t1 running running', 't2 running unknown']));
      expect(await upgrade.entry(keys.service('web'))).toMatchObject({ schema: 1, spec: { name: 'web', ...more } });
      expect(upgrade.putAside).toEqual([]);
    });

    test('a newer decider reads an older watcher, and what an older decider wrote', async () => {
      const older = await upgrade.decider('older');
      await upgrade.tell(report('web', 5, tasks));
      await becomes(() => expect(upgrade.shown('web')).toEqual(['t1 running unknown', 't2 running unknown']));
      await older.stop();
      await upgrade.decider('version');
      await upgrade.tell(container('web', 't1', 'n1', 100));
      await becomes(async () => expect(await upgrade.entry(keys.service('web'))).toMatchObject({ schema: 2 }));
    });

    test('an older decider that changes an entry loses nothing of what a newer one keeps in it', async () => {
      const state = { id: 'n1', name: 'n1', role: 'worker', availability: 'active', labels: {} } as const;
      const newer = await upgrade.decider('fields');
      await upgrade.tell(report('web', 5, tasks));
      await upgrade.tell({ kind: 'node', node: { ...state, state: 'ready', index: 1 }, confirmed: false });
      await becomes(async () => {
        expect(await upgrade.further(keys.service('web'))).toEqual({ ...more, endpoints: 2 });
        expect(await upgrade.further(keys.node('n1'))).toEqual({ ...more, endpoints: 0 });
      });
      await newer.stop();

      await upgrade.decider('older');
      await upgrade.tell(container('web', 't1', 'n1', 100));
      await upgrade.tell({ kind: 'node', node: { ...state, state: 'down', index: 2 }, confirmed: false });
      await becomes(async () => {
        expect(upgrade.shown('web')).toEqual(['t1 running running', 't2 running unknown']);
        expect(await upgrade.entry(keys.node('n1'))).toMatchObject({ claim: { state: 'down' } });
      });
      expect(await upgrade.further(keys.service('web'))).toEqual({ ...more, endpoints: 2 });
      expect(await upgrade.further(keys.node('n1'))).toEqual({ ...more, endpoints: 0 });
    });

    test('nor of a service that is kept in several entries', async () => {
      const many = Array.from({ length: 600 }, (_, n) => claim(`t${n}`, 'n1', 6 + n));
      const parts = [keys.service('web'), keys.shard('web', 2, 1)];
      const further = () => Promise.all(parts.map((key) => upgrade.further(key)));
      const newer = await upgrade.decider('fields');
      await upgrade.tell(report('web', 5, many));
      // It is begun without any.
      await becomes(async () =>
        expect((await further()).reduce((sum, held) => sum + (held?.endpoints ?? 0), 0)).toBe(600),
      );
      const before = await further();
      await newer.stop();

      await upgrade.decider('older');
      for (const { id } of many.slice(0, 4)) await upgrade.tell(container('web', id, 'n1', 100));
      await becomes(() =>
        expect(upgrade.shown('web').filter((line) => line.endsWith('running running'))).toHaveLength(4),
      );
      expect(await further()).toEqual(before);
    });

    test('both share the facts of one service, and it is as if it were one release', async () => {
      await upgrade.decider('older');
      await upgrade.decider('fields');
      await upgrade.tell(
        report(
          'web',
          5,
          Array.from({ length: 12 }, (_, n) => claim(`t${n}`, 'n1', 6 + n)),
        ),
        'fields',
      );
      for (let n = 0; n < 12; n++)
        await upgrade.tell(container('web', `t${n}`, 'n1', 100 + n), n % 2 ? 'older' : 'fields');
      await becomes(() => expect(upgrade.shown('web').filter((line) => line.endsWith(' running'))).toHaveLength(12));
      expect(upgrade.putAside).toEqual([]);
      expect(upgrade.said).toEqual([]);
    });

    test('a message of a later version is put aside and counted, and those after it are read', async () => {
      await upgrade.decider('older');
      await upgrade.tell(report('web', 5, tasks), 'version');
      await upgrade.tell(report('web', 6, tasks));
      await becomes(() => expect(upgrade.shown('web')).toEqual(['t1 running unknown', 't2 running unknown']));
      await becomes(() =>
        expect(upgrade.putAside).toEqual(['schema: version 2 is none that this release reads, which is 1']),
      );
    });

    test('an entry of a later version is not written over, and readers go on with what it was', async () => {
      const older = await upgrade.decider('older');
      await upgrade.tell(report('web', 5, tasks));
      await becomes(() => expect(upgrade.shown('web')).toHaveLength(2));
      await older.stop();
      const newer = await upgrade.decider('version');
      await upgrade.tell(container('web', 't1', 'n1', 100));
      await becomes(async () => expect(await upgrade.entry(keys.service('web'))).toMatchObject({ schema: 2 }));
      await newer.stop();
      const before = await upgrade.entry(keys.service('web'));

      await upgrade.decider('older');
      await upgrade.tell(container('web', 't2', 'n2', 100));
      await becomes(() =>
        expect(upgrade.said).toContainEqual(
          expect.stringMatching(/facts could not be folded; trying again: .*version 2 is none that this release reads/),
        ),
      );
      expect(await upgrade.entry(keys.service('web'))).toEqual(before);
      expect(upgrade.shown('web')).toEqual(['t1 running unknown', 't2 running unknown']);
      expect(upgrade.putAside).toEqual([]);
    });
  });
}
