import { describe, expect, onTestFailed, test } from 'vitest';
import { address, endpoint, openLab, port } from './executor-lab.ts';
import { CommandHung } from './kernel/failures.ts';
import { createKernelStandIn } from './kernel/stand-in.ts';
import { nameOf } from './rules/stale.ts';

// This node is n1, its ingress sandbox answers at 172.18.0.2. Tasks tN are at 10.0.0.N on the ingress network, on n1 and
// n2; their services publish ports that lead to port 80.

const web = [endpoint(5, 'n1'), endpoint(6, 'n2')];

describe('the mesh becomes rules', () => {
  test('each change is applied, and told with what caused it', async () => {
    const lab = await openLab();
    lab.outcomes.length = 0;
    const first = await lab.service('web', [port(8000), port(5353, 'udp')], web, 'service create');
    await lab.pass(300);
    expect(lab.rules()).toEqual([
      '5353/udp > 172.18.0.2',
      '8000/tcp > 172.18.0.2',
      '5353/udp: 10.0.0.5:80 10.0.0.6:80',
      '8000/tcp: 10.0.0.5:80 10.0.0.6:80',
    ]);
    const second = await lab.service('web', [port(8000)], web.slice(1), 'container die');
    await lab.pass(300);
    expect(lab.rules()).toEqual(['8000/tcp > 172.18.0.2', '8000/tcp: 10.0.0.6:80']);
    expect(
      lab.outcomes.map((outcome) =>
        outcome.kind === 'applied'
          ? [outcome.from, outcome.to, outcome.causes.map(({ event }) => event)]
          : [outcome.kind],
      ),
    ).toEqual([
      [first, first, ['service create']],
      [second, second, ['container die']],
    ]);
  });

  test('an entry of a later release is told, and what the kernel has by it stays; all else goes on', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.until(() => lab.rules().includes('8000/tcp: 10.0.0.5:80 10.0.0.6:80'));
    await lab.write('service.web', '{"schema":2}');
    await lab.service('api', [port(9000)], web.slice(1));
    await lab.pass(300);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80 10.0.0.6:80');
    expect(lab.rules()).toContain('9000/tcp > 172.18.0.2');
    expect(lab.outcomes.at(-1)).toMatchObject({
      kind: 'applied',
      notes: expect.arrayContaining([
        {
          kind: 'refused',
          about: 'service.web',
          why: expect.stringMatching(
            /^this node cannot read it and goes on with what it had: .*version 2 is none that/,
          ),
        },
      ]),
    });
  });

  test('a machine that leaves its swarm has its ports back, and one that joins again is served again', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.until(() => lab.rules().includes('8000/tcp > 172.18.0.2'));
    lab.executor.leftSwarm();
    await lab.until(() => !lab.rules().includes('8000/tcp > 172.18.0.2'));
    await lab.pass(60_000);
    expect(lab.kernel.rules('host')).toBeUndefined();
    expect((await lab.kernel.ensureHost()).changed).not.toEqual([]);
    await lab.kernel.leaveHost();
    lab.executor.ownChanged(lab.own);
    await lab.until(() => lab.rules().includes('8000/tcp > 172.18.0.2'));
    expect((await lab.kernel.ensureHost()).changed).toEqual([]);
  });

  test('a machine that leaves its swarm amid a round and is back at once is served', async () => {
    const round = Promise.withResolvers<void>();
    let held = false;
    const lab = await openLab({
      given: (kernel) => ({
        ...kernel,
        async apply(namespace, transaction) {
          if (namespace === 'host' && held) await round.promise;
          return kernel.apply(namespace, transaction);
        },
      }),
    });
    held = true;
    await lab.service('web', [port(8000)], web);
    await lab.pass(10);
    lab.executor.leftSwarm();
    lab.executor.ownChanged(lab.own);
    held = false;
    round.resolve();
    await lab.pass(60_000);
    expect(lab.rules()).toContain('8000/tcp > 172.18.0.2');
  });

  test('a machine that left its swarm gets its ports back though the kernel fails at first', async () => {
    let failures = 0;
    const lab = await openLab({
      given: (kernel) => ({
        ...kernel,
        async apply(namespace, transaction) {
          if (transaction.operations[0]?.do === 'delete table' && failures++ < 2) throw new CommandHung('nft', 1);
          return kernel.apply(namespace, transaction);
        },
      }),
    });
    await lab.service('web', [port(8000)], web);
    await lab.until(() => lab.rules().includes('8000/tcp > 172.18.0.2'));
    lab.executor.leftSwarm();
    await lab.until(() => lab.kernel.rules('host') === undefined);
    expect(lab.executor.planned()).toBeUndefined();
  });

  test('a change that is none for this node is told and not applied; no change is neither', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(300);
    const { length } = lab.kernel.applied;
    const revision = await lab.service('api', [], web);
    await lab.pass(300);
    expect(lab.outcomes.at(-1)).toMatchObject({ kind: 'applied', to: revision, changes: { added: 0, removed: 0 } });
    const told = lab.outcomes.length;
    lab.executor.ownChanged(lab.own);
    await lab.pass(60_000);
    expect(lab.outcomes).toHaveLength(told);
    expect(lab.kernel.applied).toHaveLength(length);
  });

  test('a service without endpoints is refused', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], []);
    await lab.pass(10);
    expect(lab.rules()).toEqual(['8000/tcp > 172.18.0.2', '8000/tcp: refused']);
  });

  test('what cannot be served, and what is waited for, is told', async () => {
    const lab = await openLab({ complete: false });
    await lab.service('web', [port(8000, 'sctp')], web);
    await lab.pass(300);
    const notes = lab.outcomes.flatMap((outcome) => (outcome.kind === 'applied' ? outcome.notes : []));
    expect(notes.map(({ kind, about }) => `${kind} ${about}`)).toEqual(
      expect.arrayContaining(['waiting mesh', 'refused 8000/sctp']),
    );
  });

  test('without a sandbox the kernel keeps what it has', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(300);
    const before = lab.rules();
    lab.executor.ownChanged({ node: 'n1', containers: new Map() });
    await lab.service('web', [port(8001)], web);
    await lab.pass(300);
    expect(lab.rules()).toEqual(before);
    expect(lab.outcomes.at(-1)).toMatchObject({ notes: [{ kind: 'waiting', about: 'ingress_sbox' }] });
  });
});

describe("the node's own eyes", () => {
  test('a local death takes effect before the mesh has it', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(10);
    lab.bus.cut();
    lab.sees('t5', 'dead', 200);
    await lab.pass(1);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.6:80');
  });

  test('what the mesh heard later counts', async () => {
    const lab = await openLab();
    lab.sees('t5', 'unhealthy', 90);
    await lab.service('web', [port(8000)], web);
    await lab.pass(10);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80 10.0.0.6:80');
  });

  // A round's end takes a few turns of the event loop's microtasks, and what comes in any of them must be in the next.
  test.each(Array.from({ length: 16 }, (_, n) => n))(
    'what comes %i turns after an apply is not overlooked',
    async (turns) => {
      let applied = () => {};
      const lab = await openLab({
        given: (kernel) => ({
          ...kernel,
          apply: async (namespace, transaction) => {
            const result = await kernel.apply(namespace, transaction);
            if (namespace === 'host') applied();
            return result;
          },
        }),
      });
      applied = () => {
        let turn = Promise.resolve();
        for (let n = 0; n < turns; n++) turn = turn.then(() => {});
        void turn.then(() => lab.sees('t5', 'dead', 200));
      };
      await lab.service('web', [port(8000)], web);
      await lab.pass(10);
      expect(lab.rules()).toContain('8000/tcp: 10.0.0.6:80');
    },
  );
});

describe('a mesh that is not complete', () => {
  test('adds, and takes nothing away that the kernel has', async () => {
    const before = await openLab();
    await before.service('web', [port(8000), port(5353, 'udp')], web);
    await before.pass(10);
    await before.executor.stop();

    const lab = await openLab({ kernel: before.kernel, complete: false });
    await lab.service('web', [port(8000)], [endpoint(7, 'n2')]);
    await lab.service('api', [port(9000)], [endpoint(8, 'n2')]);
    await lab.pass(10);
    expect(lab.rules()).toEqual([
      '5353/udp > 172.18.0.2',
      '8000/tcp > 172.18.0.2',
      '9000/tcp > 172.18.0.2',
      '5353/udp: 10.0.0.5:80 10.0.0.6:80',
      '8000/tcp: 10.0.0.5:80 10.0.0.6:80 10.0.0.7:80',
      '9000/tcp: 10.0.0.8:80',
    ]);
  });
});

describe('failures', () => {
  test.each([1, 2, 3, 4, 5])(
    'one operation in ten fails, and the rules end where the mesh is, seed %i',
    async (seed) => {
      onTestFailed(() => console.error(`seed ${seed}`));
      const lab = await openLab({ kernel: createKernelStandIn({ seed }) });
      for (let turn = 0; turn < 60; turn++) {
        const endpoints = web.filter((_, at) => (turn >> at) & 1);
        await lab.service('web', [port(8000), port(8001 + (turn % 3))], endpoints, `turn ${turn}`);
        await lab.pass(turn % 7);
      }
      const revision = await lab.service('web', [port(8000)], web, 'the end');
      // Nothing is waited for: each of the tasks has answered.
      await lab.until(() =>
        lab.outcomes.some((told) => told.kind === 'applied' && told.to === revision && told.notes.length === 0),
      );
      expect(lab.rules()).toEqual(['8000/tcp > 172.18.0.2', '8000/tcp: 10.0.0.5:80 10.0.0.6:80']);
      const kinds = new Set(lab.outcomes.map(({ kind }) => kind));
      expect(kinds).toEqual(new Set(['applied', 'failed']));
      const ranges = lab.outcomes.flatMap((outcome) => (outcome.kind === 'applied' ? [outcome] : []));
      for (const [at, { from }] of ranges.entries())
        if (at > 0) expect(from).toBeLessThanOrEqual((ranges[at - 1]?.to ?? 0) + 1);
    },
  );

  test('are told with their namespace and reason, and tried again ever later', async () => {
    const lab = await openLab();
    lab.kernel.replaceSandbox(undefined);
    lab.outcomes.length = 0;
    const startMs = lab.clock.nowMs();
    const revision = await lab.service('web', [port(8000)], web, 'service create');
    await lab.pass(20_000);
    expect(lab.outcomes[0]).toMatchObject({ kind: 'failed', namespace: 'ingress' });
    expect(lab.outcomes.at(-1)).toMatchObject({
      kind: 'failed',
      namespace: 'ingress',
      from: revision,
      to: revision,
      reason: 'ApplyFailed: ingress: ingress: no network namespace at ingress_sbox',
      causes: [{ event: 'service create' }],
    });
    const gaps = lab.outcomes.map(({ atMs }, at) => atMs - (lab.outcomes[at - 1]?.atMs ?? startMs)).slice(-4);
    expect(gaps).toEqual([1_600, 3_200, 5_000, 5_000]);
    expect(lab.rules()).toEqual([]);
  });

  test('of a service that the kernel refuses are told with its reason and tried again; all others are served', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(300);
    lab.kernel.refuse('8003 . ');
    // So that the table is built anew, with all of them in one transaction.
    lab.kernel.tamper('ingress', 'delete');
    for (let n = 1; n <= 9; n++) await lab.service(`s${n}`, [port(8000 + n)], [endpoint(10 + n, 'n1')]);
    await lab.pass(20_000);
    const others = [1, 2, 4, 5, 6, 7, 8, 9].map((n) => `800${n}/tcp: 10.0.0.1${n}:80`);
    expect(lab.rules()).toEqual(expect.arrayContaining(['8000/tcp: 10.0.0.5:80 10.0.0.6:80', ...others]));
    expect(lab.rules().filter((rule) => rule.startsWith('8003/tcp: '))).toEqual([]);
    const told = lab.outcomes.filter(({ kind }) => kind === 'failed');
    expect(told.at(-1)).toMatchObject({
      namespace: 'ingress',
      reason: expect.stringMatching(
        /the kernel refused tcp \. 8003: Could not process rule: Operation not supported; all else was applied/,
      ),
    });
    const gaps = told.map(({ atMs }, at) => atMs - (told[at - 1]?.atMs ?? 0)).slice(-2);
    expect(gaps).toEqual([5_000, 5_000]);
    await lab.service('s3', [port(8003)], []);
    lab.kernel.refuse(undefined);
    await lab.service('s9', [port(8009)], [endpoint(20, 'n2')]);
    await lab.pass(6_000);
    expect(lab.rules()).toEqual(expect.arrayContaining(['8003/tcp: refused', '8009/tcp: 10.0.0.20:80']));
  });

  test('of a table that the kernel refuses as such are the doing of no service', async () => {
    let asked = 0;
    const lab = await openLab({
      given: (kernel) => ({
        ...kernel,
        async refusal(namespace, transaction) {
          asked += 1;
          return kernel.refusal(namespace, transaction);
        },
      }),
    });
    lab.kernel.refuse('comment "layout');
    for (let n = 1; n <= 9; n++) await lab.service(`s${n}`, [port(8000 + n)], [endpoint(10 + n, 'n1')]);
    lab.kernel.replaceSandbox('sandbox-2');
    await lab.pass(20_000);
    const told = lab.outcomes.filter(({ kind }) => kind === 'failed');
    expect(told.at(-1)).toMatchObject({ reason: expect.not.stringContaining('all else was applied') });
    // Once for each time that it is tried.
    expect(asked).toBeLessThanOrEqual(told.length);
  });

  test('of a task whose address IPVS refuses are told with its reason and tried again; all others are served', async () => {
    const lab = await openLab({ kernel: createKernelStandIn({ seed: 1, failOneIn: 0, balancer: 'ipvs' }) });
    const multicast = { addresses: [{ network: 'ingress', address: address('224.0.0.1') }] };
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), endpoint(6, 'n2', multicast), endpoint(7, 'n2')]);
    await lab.service('api', [port(9000)], [endpoint(8, 'n2')]);
    await lab.pass(20_000);
    expect(lab.rules()).toEqual([
      '8000/tcp > 172.18.0.2',
      '9000/tcp > 172.18.0.2',
      '8000/tcp: 10.0.0.5:80 10.0.0.7:80',
      '9000/tcp: 10.0.0.8:80',
    ]);
    const told = lab.outcomes.filter(({ kind }) => kind === 'failed');
    expect(told.at(-1)).toMatchObject({
      namespace: 'ingress',
      reason: expect.stringMatching(/IPVS refused .*224\.0\.0\.1.*address not unicast/),
    });
    const gaps = told.map(({ atMs }, at) => atMs - (told[at - 1]?.atMs ?? 0)).slice(-2);
    expect(gaps).toEqual([5_000, 5_000]);
    // What others lost does not wait for it.
    await lab.service('api', [port(9000)], []);
    await lab.pass(1_000);
    expect(lab.kernel.forgotten.map(nameOf)).toContain('tcp by 10.0.0.8:80');
  });
});

describe("Docker's sandbox", () => {
  test('put in the place of another gets the rules at once', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(10);
    lab.kernel.replaceSandbox(undefined);
    expect(lab.rules()).toEqual(['8000/tcp > 172.18.0.2']);
    await lab.pass(50);
    lab.kernel.replaceSandbox('sandbox-2');
    await lab.pass(1);
    expect(lab.rules()).toEqual(['8000/tcp > 172.18.0.2', '8000/tcp: 10.0.0.5:80 10.0.0.6:80']);
  });

  test('is read again when Docker was started, though it looks the same', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(10);
    lab.kernel.tamper('ingress', 'delete');
    lab.executor.dockerStarted();
    await lab.pass(1);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80 10.0.0.6:80');
  });

  test('with rules that are not as Fairway writes them is built anew, which is said', async () => {
    const lab = await openLab();
    await lab.service('web', [port(8000)], web);
    await lab.pass(10);
    lab.kernel.tamper('ingress', { foreign: 'chain prerouting: a rule more' });
    lab.executor.dockerStarted();
    await lab.pass(1);
    expect(lab.said).toEqual(['the table was not as Fairway writes it and was built anew']);
    expect(lab.kernel.applied.at(-1)?.text).toContain('delete table inet fairway');
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80 10.0.0.6:80');
  });
});

test('the host is made to lead packets to the sandbox at the start, and looked at every 10 s', async () => {
  let looks = 0;
  const lab = await openLab({
    given: (kernel) => ({
      ...kernel,
      async ensureHost() {
        looks += 1;
        return kernel.ensureHost();
      },
    }),
  });
  // Once by itself, and once because the sandbox is there.
  expect(looks).toBe(2);
  await lab.pass(30_000);
  expect(looks).toBe(5);
  await lab.executor.stop();
  await lab.pass(30_000);
  expect(looks).toBe(5);
});

test('a task elsewhere that the kernel has stays while its sandbox was not heard of yet', async () => {
  const first = await openLab();
  await first.service('web', [port(8000)], [endpoint(5, 'n2')]);
  await first.until(() => first.rules().includes('8000/tcp: 10.0.0.5:80'));
  await first.executor.stop();
  const lab = await openLab({
    kernel: first.kernel,
    given: (kernel) => ({ ...kernel, watchSandboxes: () => ({ close() {} }) }),
  });
  await lab.service('web', [port(8000)], [endpoint(5, 'n2')]);
  await lab.pass(1_000);
  expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80');
});
