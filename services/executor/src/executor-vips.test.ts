import { keys, writeNetwork, writeNode } from '@fairway/bus';
import type { Endpoint } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { address, type ExecutorLab, endpoint, openLab, port } from './executor-lab.ts';
import { CommandHung, RuleRejected } from './kernel/failures.ts';
import { type Rules, showTarget } from './rules/rules.ts';
import { nameOf } from './rules/stale.ts';

// This node is n1. Tasks tN are at 10.0.1.N on the overlay network `back`, on n1 and n2; virtual IPs are 10.0.1.1xx.

describe('virtual IPs', () => {
  const back = 'back000000000';
  const sandbox = 'lb_back00000';
  const onBack = (n: number, node: string, more: Partial<Endpoint> = {}) =>
    endpoint(n, node, { addresses: [{ network: back, address: address(`10.0.1.${n}`) }], ...more });
  const flags = { ingress: false, attachable: true, internal: false, encrypted: false };
  const open = async (options: Parameters<typeof openLab>[0] = {}) => {
    const lab = await openLab(options);
    await lab.write(keys.network(back), writeNetwork({ id: back, name: 'back', index: 0, ...flags }));
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2')], 'service create', [vip]);
    await lab.pass(300);
    return lab;
  };
  const vip = { network: back, address: address('10.0.1.100') };
  /** The network's overlay has no way to anybody; `looks` says how often it was looked for a task, `slow` how long it takes. */
  const openUnreached = async () => {
    const looked: string[] = [];
    const slow = { ms: 0 };
    const lab: ExecutorLab = await openLab({
      given: (kernel) => ({
        ...kernel,
        async reached(network, addresses) {
          if (network.id === back) looked.push(...addresses);
          if (slow.ms > 0) await new Promise<void>((resolve) => lab.clock.after(slow.ms, resolve));
          return kernel.reached(network, addresses);
        },
      }),
    });
    lab.kernel.replaceSandbox('there', sandbox);
    lab.kernel.reach(back, []);
    await lab.write(keys.network(back), writeNetwork({ id: back, name: 'back', index: 0, ...flags }));
    return { lab, slow, looks: (n: number) => looked.filter((one) => one === `10.0.1.${n}`).length };
  };
  /** n2 lists its containers in a life that was not known: gossip may have lost it. */
  const comesAnew = async (lab: ExecutorLab) => {
    const incarnation = { boot: 'b1', daemon: 'd1' };
    await lab.write(keys.node('n2'), writeNode({ incarnation, retired: [], causes: [] }));
    await lab.pass(100);
  };
  const vips = (lab: ExecutorLab) =>
    [...slotsIn(lab.kernel.rules(sandbox))].map(([key, to]) => `${key} > ${showTarget(to)}`);

  test('are balanced where the node takes part in the network, as soon as its sandbox is there', async () => {
    const lab = await open();
    expect(lab.kernel.rules(sandbox)).toBeUndefined();
    lab.kernel.replaceSandbox('late', sandbox);
    await lab.pass(10);
    expect(vips(lab)).toEqual(['ip . 10.0.1.100 . 0 > 10.0.1.5', 'ip . 10.0.1.100 . 1 > 10.0.1.6']);
    expect(lab.kernel.rules(sandbox)).toMatchObject({ vips: new Set(['ip . 10.0.1.100']) });
    expect(await lab.kernel.ensureSettings(sandbox)).toEqual([]);

    lab.kernel.replaceSandbox('another', sandbox);
    await lab.pass(10);
    expect(vips(lab)).toHaveLength(2);
    expect(await lab.kernel.ensureSettings(sandbox)).toEqual([]);
  });

  test('a sandbox that fails holds up no other, is told of, and tried again', async () => {
    let fails = true;
    const lab = await open({
      given: (kernel) => ({
        ...kernel,
        async apply(namespace, transaction) {
          if (namespace === sandbox && fails) throw new RuleRejected(namespace, 'it is against it', '');
          return kernel.apply(namespace, transaction);
        },
      }),
    });
    lab.kernel.replaceSandbox('late', sandbox);
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), endpoint(6, 'n2')]);
    await lab.pass(300);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80 10.0.0.6:80');
    expect(lab.outcomes.at(-1)).toMatchObject({
      kind: 'failed',
      namespace: sandbox,
      reason: expect.stringContaining('it is against it'),
    });
    fails = false;
    await lab.pass(10_000);
    expect(vips(lab)).toHaveLength(2);
    expect(lab.outcomes.at(-1)).toMatchObject({ kind: 'applied' });
  });

  test('a sandbox that takes long holds up no other, is told of after 10 s, and gets what it should once it ends', async () => {
    let applies = 0;
    const hangs = Promise.withResolvers<void>();
    const lab = await open({
      given: (kernel) => ({
        ...kernel,
        async apply(namespace, transaction) {
          if (namespace === sandbox) {
            applies += 1;
            await hangs.promise;
          }
          return kernel.apply(namespace, transaction);
        },
      }),
    });
    lab.kernel.replaceSandbox('there', sandbox);
    await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
    await lab.pass(100);
    await lab.service('web', [port(8000)], [endpoint(6, 'n2')]);
    await lab.pass(5_000);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.6:80');
    const failures = () => lab.outcomes.filter(({ kind }) => kind === 'failed');
    expect(failures()).toEqual([]);
    await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
    await lab.pass(60_000);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80');
    expect(failures()).toMatchObject([{ namespace: sandbox, reason: expect.stringContaining('StillApplying') }]);
    expect(lab.said).toHaveLength(2);
    expect(applies).toBe(1);
    hangs.resolve();
    await lab.pass(300);
    expect(vips(lab)).toHaveLength(2);
    expect(lab.outcomes.at(-1)).toMatchObject({ kind: 'applied' });
    expect(lab.said).toHaveLength(2);
  });

  test('what fails after a round has gone on is told of, and tried again ever later', async () => {
    const starts: number[] = [];
    const lab = await open({
      given: (kernel) => ({
        ...kernel,
        async apply(namespace, transaction) {
          if (namespace !== sandbox) return kernel.apply(namespace, transaction);
          starts.push(lab.clock.nowMs());
          await new Promise<void>((resolve) => lab.clock.after(3_000, resolve));
          throw new RuleRejected(namespace, 'it is against it', '');
        },
      }),
    });
    lab.outcomes.length = 0;
    lab.kernel.replaceSandbox('there', sandbox);
    await lab.pass(13_000);
    expect(starts.map((ms, at) => ms - (starts[at - 1] ?? ms))).toEqual([0, 3_100, 3_200, 3_400]);
    expect(lab.outcomes).toHaveLength(4);
    for (const outcome of lab.outcomes)
      expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('it is against it') });
  });

  test('a network that is removed under traffic ends with its sandbox, without a failure', async () => {
    const lab = await open();
    lab.kernel.replaceSandbox('there', sandbox);
    await lab.pass(300);
    lab.outcomes.length = 0;
    lab.kernel.replaceSandbox(undefined, sandbox);
    await lab.pass(300);
    await lab.write(keys.network(back), writeNetwork({ id: back, name: 'back', index: 0, ...flags, removedMs: 1 }));
    await lab.pass(10_000);
    expect(lab.outcomes.map(({ kind }) => kind)).toEqual(['applied']);
    expect(lab.said).toEqual([]);
  });

  test('a task on another node is used once the overlay has a way to it, and for as long as it has', async () => {
    const { lab, looks } = await openUnreached();
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2')], 'service create', [vip]);
    await lab.pass(1_000);
    expect(vips(lab)).toEqual(['ip . 10.0.1.100 . 0 > 10.0.1.5']);
    expect(lab.outcomes.at(-1)).toMatchObject({
      notes: [{ kind: 'waiting', about: 'api', why: expect.stringContaining('no way to 10.0.1.6') }],
    });
    lab.kernel.reach(back, ['10.0.1.6']);
    await lab.pass(3_000);
    expect(vips(lab)).toHaveLength(2);
    expect(lab.outcomes.at(-1)).toMatchObject({ notes: [] });

    // No change waits for another look; but the overlay is looked at now and then, and may have lost the way.
    const before = looks(6);
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2'), onBack(7, 'n1')], 'container start', [vip]);
    await lab.pass(100);
    expect(vips(lab)).toHaveLength(3);
    expect(looks(6)).toBe(before);
    lab.kernel.reach(back, []);
    await lab.pass(3_000);
    expect(vips(lab)).toEqual(['ip . 10.0.1.100 . 0 > 10.0.1.5', 'ip . 10.0.1.100 . 1 > 10.0.1.7']);
    // Its task may live: what it has answered goes on once the way is back, and what it has not goes to another.
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2'), onBack(7, 'n1')], 'service update', [vip]);
    await lab.pass(300);
    expect(lab.kernel.forgotten.map(nameOf)).toEqual([
      'udp to 10.0.1.100',
      'udp by 10.0.1.6',
      'tcp opening to 10.0.1.6',
    ]);
    // However long it was missing.
    await lab.pass(30_000);
    lab.kernel.reach(back, ['10.0.1.6']);
    await lab.pass(2_100);
    expect(vips(lab)).toHaveLength(3);

    // Another task at the same address is another matter: the way may still be to the node of the one before.
    lab.kernel.reach(back, []);
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2', { task: 't60' })], 'container start', [vip]);
    await lab.pass(300);
    expect(vips(lab)).toEqual(['ip . 10.0.1.100 . 0 > 10.0.1.5']);
  });

  test('looks again take no more than a twentieth of the time, however long each takes', async () => {
    const { lab, looks, slow } = await openUnreached();
    lab.kernel.reach(back, ['10.0.1.6']);
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2')], 'service create', [vip]);
    await lab.pass(2_500);
    const within = async (ms: number) => {
      const before = looks(6);
      await lab.pass(ms);
      return looks(6) - before;
    };
    // Ingress, where there is nothing to look for, takes no turn.
    expect(await within(10_000)).toBe(10);
    // One that takes long is the machine's moment, in which ways are lost.
    slow.ms = 1_500;
    await lab.pass(2_000);
    slow.ms = 0;
    expect(await within(10_000)).toBeGreaterThanOrEqual(9);
    slow.ms = 250;
    await lab.pass(5_000);
    expect(await within(20_000)).toBeLessThanOrEqual(4);
  });

  test('a node in a new life is used once it answers, for its overlay may not have the way back yet', async () => {
    const lab = await open();
    lab.kernel.replaceSandbox('there', sandbox);
    const life = (boot: string) => ({ incarnation: { boot, daemon: 'd' } });
    const isOn = (boot: string, task: string) =>
      lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2', { task, ...life(boot) })], 'container start', [vip]);
    await lab.write(keys.node('n2'), writeNode({ ...life('b1'), retired: [], causes: [] }));
    await isOn('b1', 't6');
    await lab.pass(300);
    expect(vips(lab)).toHaveLength(2);

    lab.kernel.lose({ silent: (address) => address === '10.0.1.6' });
    await lab.write(keys.node('n2'), writeNode({ ...life('b2'), retired: ['b1'], causes: [] }));
    await isOn('b2', 't60');
    await lab.pass(8_000);
    expect(vips(lab)).toEqual(['ip . 10.0.1.100 . 0 > 10.0.1.5']);
    lab.kernel.lose({});
    await lab.pass(1_500);
    expect(vips(lab)).toHaveLength(2);
  });

  test('ways that are lost with a node that is there are put back where that is asked for', async () => {
    const servedWith = async (repairsOverlays: boolean, happens: (lab: ExecutorLab) => void = () => {}) => {
      const lab = await open({ repairsOverlays });
      lab.kernel.reach(back, ['10.0.1.6']);
      lab.kernel.replaceSandbox('there', sandbox);
      await lab.pass(5_000);
      expect(vips(lab)).toHaveLength(2);
      happens(lab);
      lab.kernel.reach(back, []);
      await lab.pass(15_000);
      return { served: vips(lab).length, said: lab.said.join() };
    };
    expect(await servedWith(true)).toEqual({ served: 2, said: expect.stringContaining('they are put back') });
    // Not by a mesh that may lack what has happened since.
    const behind = (lab: ExecutorLab) => lab.replica.follower.fellBehind?.();
    expect(await servedWith(true, behind)).toEqual({ served: 1, said: expect.stringContaining('not sent to until') });
    expect(await servedWith(false)).toEqual({ served: 1, said: expect.stringContaining('not sent to until') });
  });

  test('a way that stays one to another node is set where that is asked for', async () => {
    const leadsTo = async (repairsOverlays: boolean) => {
      const lab = await open({ repairsOverlays });
      await lab.service(
        'api',
        [],
        [6, 7, 8].map((n) => onBack(n, 'n2')),
        'container start',
        [vip],
      );
      lab.kernel.reach(back, ['10.0.1.6', '10.0.1.7', '10.0.1.8'], '192.0.2.2');
      lab.kernel.replaceSandbox('there', sandbox);
      await lab.pass(5_000);
      const held = async () => (await lab.kernel.ways({ id: back, encrypted: false }))?.get('10.0.1.8');
      lab.kernel.mislead(back, '10.0.1.8', '192.0.2.3');
      await lab.pass(40_000);
      return { node: (await held())?.node, said: lab.said.join() };
    };
    expect(await leadsTo(true)).toEqual({ node: '192.0.2.2', said: expect.stringContaining('they are set') });
    expect(await leadsTo(false)).toEqual({ node: '192.0.2.3', said: expect.not.stringContaining('they are set') });
  });

  test('a task that is begun while gossip errs is used once it has answered itself, whatever its node does', async () => {
    const lab = await open();
    lab.kernel.replaceSandbox('there', sandbox);
    const isOn = (...more: Endpoint[]) =>
      lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2'), ...more], 'container start', [vip]);
    await lab.pass(300);
    lab.kernel.lose({ mute: (address) => address === '10.0.1.7' });
    await comesAnew(lab);
    await isOn(onBack(7, 'n2'));
    await lab.pass(3_000);
    expect(vips(lab).map((line) => line.slice(-8))).toEqual(['10.0.1.5', '10.0.1.6']);
    lab.kernel.lose({});
    await lab.pass(1_500);
    expect(vips(lab)).toHaveLength(3);

    // In quiet times nobody is asked.
    await lab.pass(70_000);
    lab.kernel.lose({ mute: (address) => address === '10.0.1.8' });
    await isOn(onBack(7, 'n2'), onBack(8, 'n2'));
    await lab.pass(300);
    expect(vips(lab)).toHaveLength(4);
  });

  test('a task that does not answer a minute long is used, for it may be one that never does', async () => {
    const lab = await open();
    lab.kernel.replaceSandbox('there', sandbox);
    await lab.pass(300);
    lab.kernel.lose({ mute: (address) => address === '10.0.1.7' });
    await comesAnew(lab);
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2'), onBack(7, 'n2')], 'container start', [vip]);
    await lab.pass(50_000);
    expect(vips(lab)).toHaveLength(2);
    await lab.pass(25_000);
    expect(vips(lab)).toHaveLength(3);
  });

  test('a task that still starts is looked for ahead, so that its start waits for no look', async () => {
    const { lab, looks } = await openUnreached();
    const starting = (n: number) => onBack(n, 'n2', { container: 'starting' });
    await lab.service('api', [], [onBack(5, 'n1'), starting(6)], 'container create', [vip]);
    await lab.pass(200);
    expect(looks(6)).toBe(1);
    lab.kernel.reach(back, ['10.0.1.6']);
    await lab.pass(200);
    expect(looks(6)).toBe(2);
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2')], 'container start', [vip]);
    await lab.pass(500);
    expect(vips(lab)).toHaveLength(2);
    expect(looks(6)).toBe(2);

    // One that takes long to start is not looked for all the while.
    await lab.service('api', [], [onBack(6, 'n2'), starting(7)], 'container create', [vip]);
    await lab.pass(60_000);
    expect(looks(7)).toBeLessThan(15);
    const before = looks(7);
    lab.kernel.reach(back, ['10.0.1.7']);
    await lab.service('api', [], [onBack(6, 'n2'), onBack(7, 'n2')], 'container start', [vip]);
    await lab.pass(300);
    expect(vips(lab)).toHaveLength(2);
    expect(looks(7)).toBe(before + 1);
  });

  test('ten thousand tasks without a way are told in one message that the bus takes', async () => {
    const { lab } = await openUnreached();
    for (let service = 0; service < 25; service += 1) {
      const tasks = Array.from({ length: 400 }, (_, n) =>
        onBack(1, 'n2', {
          task: `t${service}-${n}`,
          addresses: [{ network: back, address: address(`10.${service}.${Math.floor(n / 250)}.${1 + (n % 250)}`) }],
        }),
      );
      const own = { network: back, address: address(`10.0.2.${service}`) };
      await lab.service(`api${service}`, [], tasks, 'service create', [own]);
    }
    await lab.pass(1_000);
    const last = lab.outcomes.at(-1);
    expect(last).toMatchObject({ kind: 'applied', to: lab.replica.mesh.generation.revision });
    expect(last?.kind === 'applied' && last.notes).toHaveLength(25);
  });

  test('an overlay that cannot be looked at keeps nothing from being used', async () => {
    const lab = await open({
      given: (kernel) => ({ ...kernel, reached: () => Promise.reject(new CommandHung('nsenter', 1)) }),
    });
    lab.kernel.replaceSandbox('there', sandbox);
    await lab.pass(300);
    expect(vips(lab)).toHaveLength(2);
    // Nor a change before the next look is due.
    await lab.service('api', [], [onBack(5, 'n1'), onBack(6, 'n2'), onBack(7, 'n1')], 'container start', [vip]);
    await lab.pass(5);
    expect(vips(lab)).toHaveLength(3);
    expect(lab.said.join()).toContain('the overlay could not be looked at');
  });

  test("a lost task's connections are dropped, over TCP once it is dead", async () => {
    const lab = await open();
    lab.kernel.replaceSandbox('there', sandbox);
    await lab.pass(10);
    lab.sees('t5', 'stopping', 200);
    await lab.pass(10);
    const forgotten = () => lab.kernel.forgotten.map(nameOf);
    expect(forgotten()).toEqual(['udp to 10.0.1.100', 'udp by 10.0.1.5']);
    lab.sees('t5', 'dead', 300);
    await lab.pass(10);
    expect(forgotten()).toEqual(['udp to 10.0.1.100', 'udp by 10.0.1.5', 'tcp by 10.0.1.5']);
  });
});

function slotsIn(rules: Rules | undefined) {
  return rules && 'slots' in rules ? rules.slots : [];
}
