import { type Bucket, createMemoryBus, type Envelope, SimulatedClock } from '@fairway/bus';
import { hasEnded, shardEndpointsMax, shardOf } from '@fairway/mesh';
import { describe, expect, onTestFailed, test } from 'vitest';
import { decideService } from './decide.ts';
import { claim, container, type DeciderLab, openLab, report } from './decider-lab.ts';
import type { FoldContext, ServiceChange } from './service-change.ts';
import { loadService } from './service-store.ts';

// Service `web` with tasks t0, t1, … on nodes n0 to n9; an entry holds 500 of them.

const nodeOf = (n: number) => `n${n % 10}`;
const tasks = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => claim(`t${from + at}`, nodeOf(from + at), 10 + from + at));
const ids = (count: number) => tasks(count).map(({ id }) => id);

/** The endpoints that a reader of the mesh sees. */
const seen = (lab: DeciderLab) =>
  (lab.mesh.services.get('web')?.endpoints ?? []).filter((endpoint) => !hasEnded(endpoint));

/** The keys that were written, each once, in their order. */
const keysOf = (lab: DeciderLab) => lab.writes.map((line) => line.split(' ').slice(1).join(' '));

describe('a service with 1,200 endpoints', () => {
  async function large(): Promise<DeciderLab> {
    const lab = await openLab();
    await lab.tell(report('web', 5, tasks(1_200)));
    await lab.until(() => seen(lab).length === 1_200);
    await lab.pass(100);
    return lab;
  }

  test('is kept in four entries', async () => {
    const lab = await large();
    await lab.pass(100);
    expect([...new Set(keysOf(lab))].sort()).toEqual([
      'service.web',
      'shard.web.4.1',
      'shard.web.4.2',
      'shard.web.4.3',
    ]);
    expect(
      seen(lab)
        .map(({ task }) => task)
        .sort(),
    ).toEqual(ids(1_200).sort());
  });

  test("one endpoint's change is one write, whichever entry has it", async () => {
    const lab = await large();
    const written = new Set<string>();
    for (let n = 0; n < 12; n++) {
      lab.writes.length = 0;
      await lab.tell(container('web', `t${n}`, nodeOf(n), 100 + n));
      await lab.until(() => seen(lab).find(({ task }) => task === `t${n}`)?.container === 'running');
      expect(lab.writes).toHaveLength(1);
      written.add(keysOf(lab)[0] ?? '');
    }
    expect([...written].sort()).toEqual(['service.web', 'shard.web.4.1', 'shard.web.4.2', 'shard.web.4.3']);
    expect(lab.mesh.services.get('web')?.causes.filter(({ event }) => event === 'container web')).toHaveLength(12);
  });

  test('shrinks back into one entry, and no reader ever sees a part of it', async () => {
    const lab = await large();
    lab.writes.length = 0;
    const counts = new Set<number>();
    lab.onMesh = () => counts.add(seen(lab).length);
    const left = tasks(100);
    const released = tasks(1_100, 100).map((task) => ({
      ...task,
      index: task.index + 5_000,
      claim: 'released' as const,
    }));
    await lab.tell(report('web', 6, [...left, ...released]));
    await lab.until(() => seen(lab).length === 100);
    // What ended is forgotten after a minute, by the next sweep, and so few need one entry only.
    await lab.pass(125_000);
    expect(keysOf(lab).slice(-4)).toEqual([
      'service.web',
      'shard.web.4.1 deleted',
      'shard.web.4.2 deleted',
      'shard.web.4.3 deleted',
    ]);
    expect(
      seen(lab)
        .map(({ task }) => task)
        .sort(),
    ).toEqual(ids(100).sort());
    expect([...counts].every((count) => count >= 100)).toBe(true);
  });

  test('removed, leaves its own entry and no shard', async () => {
    const lab = await large();
    await lab.tell({ kind: 'service-gone', service: 'web' });
    await lab.until(() => lab.mesh.services.get('web')?.removedMs !== undefined);
    await lab.until(() => keysOf(lab).filter((key) => key.endsWith('deleted')).length === 3);
    expect([...lab.mesh.services.keys()]).toEqual(['web']);
  });
});

describe('two deciders, and a service that grows over the limit while its containers start', () => {
  test.each([1, 2, 3, 4, 5, 6])('lose nothing, seed %i', async (seed) => {
    const lab = await openLab({ seed, faults: { lateMsMax: 30 }, deciders: 2 });
    onTestFailed(() => console.error(`seed ${seed}`, lab.said));
    const before = shardEndpointsMax - 10;
    const after = shardEndpointsMax + 30;
    await lab.tell(report('web', 5, tasks(before)));
    await lab.until(() => seen(lab).length === before);
    const grow = async () => {
      for (let count = before; count <= after; count += 5) await lab.publish(report('web', 5, tasks(count)));
    };
    const start = async (first: number) => {
      for (let n = first; n < 60; n += 3) await lab.publish(container('web', `t${n}`, nodeOf(n), 100 + n));
    };
    await lab.clock.settle(Promise.all([grow(), start(0), start(1), start(2)]), 12_000);
    expect(seen(lab)).toHaveLength(after);
    const running = seen(lab).filter((endpoint) => endpoint.container === 'running');
    expect(running.map(({ task }) => task).sort()).toEqual(ids(60).sort());
  });
});

describe('a division, and another decider that comes in between', () => {
  const context: FoldContext = { nowMs: 1000, isRetired: () => false, isListed: () => false, isRemoved: () => false };
  const told = (body: ServiceChange): Envelope<ServiceChange> => {
    return { schema: 1, epoch: 'e', sender: 'm1', event: body.kind, atMs: 0, trace: '00-x', body };
  };
  const decide = (bucket: Bucket, ...facts: ServiceChange[]) => decideService(bucket, 'web', facts.map(told), context);
  /** A task that is kept in shard `n` of so many. */
  const taskIn = (n: number, of: number) => ids(400).find((id) => shardOf(id, of) === n) ?? '';
  const starts = (task: string) => container('web', task, nodeOf(Number(task.slice(1))), 100);

  /** A bucket that lets something else happen just before one of its operations, once. */
  function raced(bucket: Bucket, operation: 'get' | 'put', key: RegExp, meanwhile: () => Promise<unknown>): Bucket {
    let met = false;
    const meet = async (given: 'get' | 'put', at: string) => {
      if (met || given !== operation || !key.test(at)) return;
      met = true;
      await meanwhile();
    };
    return {
      ...bucket,
      async get(at) {
        await meet('get', at);
        return bucket.get(at);
      },
      async put(at, text, revision) {
        await meet('put', at);
        return bucket.put(at, text, revision);
      },
    };
  }

  /** Lets a service of so many grow to so many more while something else happens, and gives what is then stored. */
  async function grow(
    from: number,
    to: number,
    operation: 'get' | 'put',
    key: RegExp,
    meanwhile: (bucket: Bucket) => Promise<unknown>,
  ) {
    const clock = new SimulatedClock();
    const { mesh, provision } = createMemoryBus({ clock });
    return clock.settle(
      (async () => {
        await provision();
        await decide(mesh, report('web', 5, tasks(from)));
        await decide(
          raced(mesh, operation, key, () => meanwhile(mesh)),
          report('web', 6, tasks(to)),
        );
        const { head, shards, service } = await loadService(mesh, 'web');
        const running = service?.endpoints
          .filter((endpoint) => endpoint.container === 'running')
          .map(({ task }) => task);
        return { of: head?.entry.of, shards: shards.size, endpoints: service?.endpoints.length, running };
      })(),
    );
  }

  test('that writes to a shard which has been copied', async () => {
    const task = taskIn(1, 2);
    expect(await grow(990, 1_010, 'put', /^shard.web.4.1$/, (mesh) => decide(mesh, starts(task)))).toEqual({
      of: 4,
      shards: 3,
      endpoints: 1_010,
      running: [task],
    });
  });

  test('that made the same division, and has written to it since', async () => {
    const task = taskIn(1, 2);
    const faster = (mesh: Bucket) => decide(mesh, report('web', 6, tasks(505)), starts(task));
    expect(await grow(495, 510, 'get', /^shard.web.2.1$/, faster)).toEqual({
      of: 2,
      shards: 1,
      endpoints: 510,
      running: [task],
    });
  });

  test('that changed the service, and then made the division', async () => {
    const [first, second] = [taskIn(0, 2), taskIn(1, 2)];
    const faster = async (mesh: Bucket) => {
      await decide(mesh, starts(first));
      await decide(mesh, report('web', 6, tasks(505)), starts(second));
    };
    const grown = await grow(495, 510, 'get', /^shard.web.2.1$/, faster);
    expect(grown).toMatchObject({ of: 2, shards: 1, endpoints: 510 });
    expect([...(grown.running ?? [])].sort()).toEqual([first, second].sort());
  });

  test('that ends one while the parts of the old one are being read', async () => {
    const task = taskIn(1, 2);
    const clock = new SimulatedClock();
    const { mesh, provision } = createMemoryBus({ clock });
    const work = async () => {
      await provision();
      await decide(mesh, report('web', 5, tasks(990)));
      const faster = () => decide(mesh, report('web', 6, tasks(1_010)));
      await decide(raced(mesh, 'get', /^shard.web.2.1$/, faster), starts(task));
      const { service } = await loadService(mesh, 'web');
      expect(service?.endpoints).toHaveLength(1_010);
      expect(service?.endpoints.find((endpoint) => endpoint.task === task)).toMatchObject({
        claim: 'running',
        container: 'running',
      });
    };
    await clock.settle(work());
  });

  test('that was ended half way is ended by the next', async () => {
    const stop = () => Promise.reject(new Error('ended'));
    const task = taskIn(1, 2);
    for (const key of [/^shard.web.4.1$/, /^shard.web.4.3$/, /^service.web$/]) {
      const clock = new SimulatedClock();
      const { mesh, provision } = createMemoryBus({ clock });
      const work = async () => {
        await provision();
        await decide(mesh, report('web', 5, tasks(990)));
        await expect(decide(raced(mesh, 'put', key, stop), report('web', 6, tasks(1_010)))).rejects.toThrow('ended');
        await decide(mesh, starts(task));
        const { head, service } = await loadService(mesh, 'web');
        expect(head?.entry.of).toBe(4);
        expect(service?.endpoints).toHaveLength(990);
        expect(service?.endpoints.find((endpoint) => endpoint.task === task)?.container).toBe('running');
        const old = await mesh.get('shard.web.2.1');
        expect(old?.text).toBeUndefined();
      };
      await clock.settle(work());
    }
  });
});
