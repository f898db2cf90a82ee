// The node and its tasks are those of executor.test.ts.
import { describe, expect, test } from 'vitest';
import { address, endpoint, openLab, port } from './executor-lab.ts';
import { createKernelStandIn } from './kernel/stand-in.ts';
import type { IpvsIngressRules } from './rules/rules.ts';
import { nameOf } from './rules/stale.ts';

describe('tracked connections', () => {
  const forgotten = (lab: Awaited<ReturnType<typeof openLab>>) => lab.kernel.forgotten.map(nameOf);
  const both = [port(8000), port(5353, 'udp')];
  async function serving(options: Parameters<typeof openLab>[0] = {}) {
    const lab = await openLab(options);
    await lab.service('web', both, [endpoint(5, 'n1'), endpoint(6, 'n2')]);
    await lab.pass(10);
    (lab.kernel.forgotten as unknown[]).length = 0;
    return lab;
  }

  test('of a dead endpoint are dropped', async () => {
    const lab = await serving();
    await lab.service('web', both, [endpoint(5, 'n1', { container: 'dead' }), endpoint(6, 'n2')]);
    await lab.pass(10);
    expect(forgotten(lab).sort()).toEqual(['tcp by 10.0.0.5:80', 'udp by 10.0.0.5:80']);
  });

  test('of a draining endpoint are kept for TCP, until it is dead', async () => {
    const lab = await serving();
    await lab.service('web', both, [endpoint(5, 'n1', { container: 'stopping' }), endpoint(6, 'n2')]);
    await lab.pass(10);
    expect(lab.rules()).toContain('8000/tcp: 10.0.0.6:80');
    expect(forgotten(lab)).toEqual(['udp by 10.0.0.5:80']);
    lab.sees('t5', 'dead', 200);
    await lab.pass(10);
    expect(forgotten(lab)).toEqual(['udp by 10.0.0.5:80', 'tcp by 10.0.0.5:80']);
    await lab.service('web', both, [endpoint(6, 'n2')]);
    await lab.pass(10);
    expect(forgotten(lab)).toHaveLength(2);
  });

  test('are not kept for a task that has the same address on another network', async () => {
    const lab = await serving();
    const [{ address } = { address: undefined }] = endpoint(5, 'n2').addresses;
    if (!address) throw new Error('an endpoint has an address');
    await lab.service('other', [], [endpoint(9, 'n2', { addresses: [{ network: 'backend', address }] })]);
    await lab.service('web', both, [endpoint(6, 'n2')]);
    await lab.pass(10);
    expect(forgotten(lab)).toContain('tcp by 10.0.0.5:80');
  });

  test.each(['apply', 'forget'] as const)('are dropped, though the answer to %s was lost', async (verb) => {
    let failures = 0;
    const lab = await serving({
      given: (kernel) => ({
        ...kernel,
        [verb]: async (...given: never) => {
          const result = await (kernel[verb] as (...given: never) => Promise<unknown>)(...given);
          if (failures-- <= 0) return result;
          if (verb === 'forget') (kernel.forgotten as unknown[]).length = 0;
          throw new Error('killed after 5000 ms');
        },
      }),
    });
    failures = 1;
    await lab.service('web', both, [endpoint(6, 'n2')]);
    await lab.pass(1_000);
    expect(forgotten(lab).sort()).toEqual(['tcp by 10.0.0.5:80', 'udp by 10.0.0.5:80']);
  });
});

describe('where IPVS balances', () => {
  const to = (last: number) => `tcp . 172.18.0.2 . 8000 > 10.0.0.${last}:80` as const;
  const weights = ({ kernel }: Awaited<ReturnType<typeof openLab>>) =>
    [...(kernel.rules('ingress') as IpvsIngressRules).virtual.values()].flatMap(({ destinations }) =>
      [...destinations].map(([target, { weight }]) => `${target} ${weight}`),
    );
  const onIpvs = () => openLab({ kernel: createKernelStandIn({ seed: 1, failOneIn: 0, balancer: 'ipvs' }) });

  test('a draining task has weight 0 until its connections have ended', async () => {
    const lab = await onIpvs();
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), endpoint(6, 'n2')]);
    await lab.pass(10);
    lab.kernel.connect('ingress', to(5), 3);
    lab.kernel.connect('ingress', to(6), 1);
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), endpoint(6, 'n2', { container: 'stopping' })]);
    await lab.pass(30_000);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1', '10.0.0.6:80 0']);
    lab.kernel.connect('ingress', to(6), 0);
    await lab.pass(6_000);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1']);
    await lab.pass(30_000);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1']);
  });

  test('a draining task leaves though IPVS refuses another one again and again', async () => {
    const lab = await onIpvs();
    const refused = endpoint(7, 'n2', { addresses: [{ network: 'ingress', address: address('224.0.0.1') }] });
    const leaving = endpoint(6, 'n2', { container: 'stopping' });
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), endpoint(6, 'n2')]);
    await lab.pass(10);
    lab.kernel.connect('ingress', to(6), 1);
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), leaving, refused]);
    await lab.pass(20_000);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1', '10.0.0.6:80 0']);
    lab.kernel.connect('ingress', to(6), 0);
    await lab.pass(20_000);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1']);
  });

  test('a task that is not well has weight 0 and keeps its connections, though nothing else serves, until it is well', async () => {
    const lab = await onIpvs();
    await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
    await lab.pass(10);
    lab.kernel.connect('ingress', to(5), 1);
    await lab.service('web', [port(8000)], [endpoint(5, 'n1', { container: 'unhealthy' })]);
    await lab.pass(30_000);
    expect(weights(lab)).toEqual(['10.0.0.5:80 0']);
    expect((lab.kernel.rules('ingress') as IpvsIngressRules).verdicts.get('tcp . 8000')).toBe('refuse');
    expect(lab.kernel.forgotten.map(nameOf)).not.toContain('tcp by 10.0.0.5:80');
    await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
    await lab.pass(10);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1']);
  });

  test('datagrams leave a draining task at once, which may have closed its socket', async () => {
    const lab = await onIpvs();
    await lab.service('web', [port(5353, 'udp')], [endpoint(5, 'n1'), endpoint(6, 'n2')]);
    await lab.pass(10);
    lab.kernel.connect('ingress', 'udp . 172.18.0.2 . 5353 > 10.0.0.6:80', 3);
    await lab.service('web', [port(5353, 'udp')], [endpoint(5, 'n1'), endpoint(6, 'n2', { container: 'stopping' })]);
    await lab.pass(10);
    expect(weights(lab)).toEqual(['10.0.0.5:80 1']);
    expect(lab.kernel.forgotten.map(nameOf)).toContain('udp by 10.0.0.6:80');
  });

  test('a node that is taken back while it is still being left to Docker keeps its rules', async () => {
    const lab = await onIpvs();
    await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
    await lab.pass(10);
    lab.kernel.connect('ingress', to(5), 1);
    const leaving = lab.executor.handOver();
    await lab.pass(1_000);
    await lab.clock.settle(lab.executor.takeBack());
    expect(weights(lab)).toEqual(['10.0.0.5:80 1']);
    const before = lab.kernel.applied.length;
    await lab.clock.settle(leaving);
    await lab.pass(10_000);
    expect(lab.kernel.applied.slice(before)).toEqual([]);
  });

  test('open connections get a while to end before a node is left to Docker, and no longer', async () => {
    const lab = await onIpvs();
    await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
    await lab.pass(10);
    lab.kernel.connect('ingress', to(5), 1);
    const startMs = lab.clock.nowMs();
    const leaving = lab.executor.handOver();
    await lab.pass(2_000);
    expect((await lab.kernel.read('ingress'))?.missing).toBe(true);
    expect((await lab.kernel.connections('ingress')).size).toBe(1);
    await lab.clock.settle(leaving);
    expect(lab.clock.nowMs() - startMs).toBe(5_000);
    expect(await lab.kernel.read('ingress')).toBeUndefined();
  });
});
