import type { Outcome } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { address, endpoint, openLab, port } from './executor-lab.ts';
import { CommandFailed } from './kernel/failures.ts';

// As in executor.test.ts; others change what Fairway has in the kernel of n1.

const web = [endpoint(5, 'n1'), endpoint(6, 'n2')];
const served = ['8000/tcp > 172.18.0.2', '8000/tcp: 10.0.0.5:80 10.0.0.6:80'];

async function openServed(...[options]: Parameters<typeof openLab>) {
  const lab = await openLab(options);
  await lab.service('web', [port(8000)], web);
  await lab.until(() => `${lab.rules()}` === `${served}`);
  await lab.pass(300);
  lab.outcomes.length = 0;
  lab.said.length = 0;
  return lab;
}

/** Counts how often the host is looked at. */
async function openCounting() {
  let looks = 0;
  const lab = await openServed({
    given: (kernel) => ({
      ...kernel,
      async ensureHost() {
        looks += 1;
        return kernel.ensureHost();
      },
    }),
  });
  return { lab, looks: () => looks };
}

const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);

describe('what others change', () => {
  test('is put right within a second of the event, and told as found and as repaired', async () => {
    const lab = await openServed();
    for (const namespace of ['host', 'ingress'] as const) lab.kernel.tamper(namespace, 'delete');
    expect(lab.rules()).toEqual([]);
    await lab.pass(999);
    expect(lab.rules()).toEqual(served);
    const found = ['the table is missing'];
    for (const namespace of ['host', 'ingress'] as const)
      expect(lab.outcomes.filter((told) => 'namespace' in told && told.namespace === namespace)).toMatchObject([
        { kind: 'drifted', namespace, found },
        { kind: 'repaired', namespace, found },
      ]);
    expect(lab.said).toContain('others changed what Fairway has here; putting it right');
  });

  test('is put right still after an hour without the bus, own tasks that end get nothing, and what was missed comes at once', async () => {
    const lab = await openServed();
    lab.bus.cut();
    await lab.pass(3_600_000);
    lab.kernel.tamper('host', 'delete', false);
    await lab.pass(11_000);
    expect(lab.rules()).toEqual(served);
    lab.sees('t5', 'dead', 200);
    await lab.pass(100);
    expect(lab.rules()).toEqual([served[0], '8000/tcp: 10.0.0.6:80']);
    expect(lab.outcomes).toEqual([]);
    lab.bus.mend();
    await lab.service('web', [port(8000)], [endpoint(6, 'n2'), endpoint(7, 'n2')]);
    await lab.pass(1_000);
    expect(lab.rules()).toEqual([served[0], '8000/tcp: 10.0.0.6:80 10.0.0.7:80']);
    expect(kinds(lab.outcomes)).toEqual(expect.arrayContaining(['drifted', 'repaired', 'applied']));
  });

  test('all the time is looked at twice a second', async () => {
    const lab = await openServed();
    for (let time = 0; time < 100; time++) {
      lab.kernel.tamper('ingress', { foreign: `chain prerouting has rule ${time}` });
      await lab.pass(100);
    }
    await lab.pass(1_000);
    expect(lab.rules()).toEqual(served);
    expect(kinds(lab.outcomes).filter((kind) => kind === 'repaired').length).toBeLessThan(25);
  });

  test('is found by the check every 10 s where no event told of it', async () => {
    const lab = await openServed({
      given: (kernel) => ({ ...kernel, watchRules: () => ({ close: () => {} }) }),
    });
    lab.kernel.tamper('ingress', { foreign: 'chain prerouting has accept' });
    await lab.pass(10_500);
    expect(kinds(lab.outcomes)).toEqual(['drifted', 'repaired', 'applied']);
    expect(lab.outcomes[0]).toMatchObject({ namespace: 'ingress', found: ['chain prerouting has accept'] });
  });

  test('is told where tracked connections were flushed, though nothing is to be repaired', async () => {
    const lab = await openServed();
    lab.kernel.tamper('ingress', 'flush');
    await lab.pass(10_500);
    expect(kinds(lab.outcomes)).toEqual(['drifted', 'repaired']);
    expect(lab.outcomes[0]).toMatchObject({
      namespace: 'ingress',
      found: ['the tracked connections were flushed: those that were open may have ended'],
    });
  });

  test('is found where flushed connections cannot be told of, and those are not told when they can be again', async () => {
    let fails = true;
    const lab = await openServed({
      given: (kernel) => ({
        ...kernel,
        async wereFlushed(namespace) {
          if (fails) throw new CommandFailed('conntrack -I', 1, 'Cannot allocate memory');
          return kernel.wereFlushed(namespace);
        },
      }),
    });
    lab.kernel.tamper('ingress', 'delete');
    await lab.pass(999);
    expect(lab.rules()).toEqual(served);
    expect(kinds(lab.outcomes)).toContain('repaired');
    lab.outcomes.length = 0;
    fails = false;
    await lab.pass(21_000);
    expect(lab.outcomes).toEqual([]);
  });

  test('is nothing where only a look was due', async () => {
    const lab = await openServed();
    const applied = lab.kernel.applied.length;
    await lab.pass(60_000);
    expect(lab.kernel.applied).toHaveLength(applied);
    expect(lab.outcomes).toEqual([]);
  });

  test('together with a change of the mesh is told apart from it', async () => {
    const lab = await openServed();
    lab.kernel.tamper('host', 'delete');
    await lab.service('web', [port(8000), port(8001)], web);
    await lab.pass(999);
    expect(lab.rules()).toContain('8001/tcp > 172.18.0.2');
    const drift = lab.outcomes.filter((told) => 'found' in told);
    expect(kinds(drift)).toEqual(['drifted', 'repaired']);
    for (const { found } of drift) expect(found).toEqual(['the table is missing']);
  });

  test('while the kernel refuses the repair is told as found, and as repaired once it was taken', async () => {
    const lab = await openServed();
    lab.kernel.refuse('tcp . 8000');
    lab.kernel.tamper('ingress', 'delete');
    await lab.pass(2_000);
    expect(kinds(lab.outcomes)).toContain('failed');
    expect(kinds(lab.outcomes)).not.toContain('repaired');
    lab.kernel.refuse(undefined);
    await lab.pass(6_000);
    expect(lab.rules()).toEqual(served);
    expect(kinds(lab.outcomes).filter((kind) => kind !== 'failed' && kind !== 'applied')).toEqual([
      'drifted',
      'repaired',
    ]);
  });

  test('stays while no listing is complete, as far as it only adds', async () => {
    const lab = await openServed({ complete: false });
    lab.kernel.tamper('host', 'delete');
    await lab.pass(999);
    expect(lab.rules()).toEqual(served);
    expect(kinds(lab.outcomes)).toEqual(['drifted', 'applied']);
  });

  test('is no concern of a node that is left to Docker, where nothing comes back', async () => {
    const { lab, looks } = await openCounting();
    await lab.clock.settle(lab.executor.handOver());
    lab.outcomes.length = 0;
    const [before, applied] = [looks(), lab.kernel.applied.length];
    for (const namespace of ['host', 'ingress'] as const) lab.kernel.tamper(namespace, 'delete');
    lab.kernel.replaceSandbox('sandbox-2');
    await lab.pass(30_000);
    expect(kinds(lab.outcomes)).not.toContain('drifted');
    expect(lab.rules()).toEqual([]);
    expect(lab.kernel.applied).toHaveLength(applied);
    expect(looks()).toBe(before);
  });

  test('is told where Docker made the ingress sandbox anew, at once or after it was gone', async () => {
    const lab = await openServed();
    const found = ['Docker made the sandbox anew'];
    lab.kernel.replaceSandbox('sandbox-2');
    await lab.pass(10);
    expect(lab.rules()).toEqual(served);
    lab.kernel.replaceSandbox(undefined);
    await lab.pass(10);
    lab.kernel.replaceSandbox('sandbox-3');
    await lab.pass(300);
    expect(lab.rules()).toEqual(served);
    const drift = lab.outcomes.filter((told) => 'found' in told);
    expect(drift).toMatchObject(
      ['drifted', 'repaired', 'drifted', 'repaired'].map((kind) => ({ kind, namespace: 'ingress', found })),
    );
  });

  test('is nothing where the sandbox of a network comes again with a task', async () => {
    const lab = await openServed();
    for (const id of ['one', undefined, 'two', undefined, 'three']) {
      lab.kernel.replaceSandbox(id, 'lb_back00000');
      await lab.pass(300);
    }
    await lab.pass(20_000);
    expect(kinds(lab.outcomes)).not.toContain('drifted');
  });

  test('on the bridge, which Docker made anew with another address, is looked at at once', async () => {
    const { lab, looks } = await openCounting();
    const before = looks();
    lab.executor.ownChanged({ ...lab.own, gateway: address('172.19.0.2') });
    await lab.pass(10);
    expect(looks()).toBe(before + 1);
    expect(lab.rules()).toContain('8000/tcp > 172.19.0.2');
    lab.executor.ownChanged({ ...lab.own, gateway: address('172.19.0.2') });
    await lab.pass(10);
    expect(looks()).toBe(before + 1);
  });

  test('on the host, beside the table, is told too', async () => {
    let isThere = true;
    const rule = 'DOCKER-USER accepts connections led to docker_gwbridge';
    const lab = await openServed({
      given: (kernel) => ({
        ...kernel,
        async ensureHost() {
          const changed = isThere ? [] : [rule];
          isThere = true;
          return { changed, waitingFor: [] };
        },
      }),
    });
    isThere = false;
    await lab.pass(10_100);
    expect(lab.outcomes).toMatchObject([
      { kind: 'drifted', namespace: 'host forwarding', found: [rule] },
      { kind: 'repaired', namespace: 'host forwarding', found: [rule] },
    ]);
  });
});
