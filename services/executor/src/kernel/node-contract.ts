import { describe, expect, test } from 'vitest';
import { hostOf, ingressOf, target, targets } from '../rules/sample.ts';
import { transactionOf } from '../rules/transaction.ts';
import { openEach, type Subject } from './contract-subject.ts';
import { NamespaceMissing } from './failures.ts';

/**
 * What holds for every kernel whatever it balances by, the real one and its stand-in.
 * @param open called before each test
 * @param patience how often a verb may fail before the test does: 1 where failures are off
 */
export function nodeContract(open: () => Promise<Subject>, patience = 1) {
  const node = openEach(open, patience);
  const { trying, bring, read, remove } = node;

  test('there is no table at first', async () => {
    expect(await read('host')).toBeUndefined();
  });

  test('what was applied on the host reads back, and nothing is left after removal', async () => {
    await bring('host', hostOf('tcp . 8000', 'udp . 8000'));
    expect(await read('host')).toEqual({
      rules: hostOf('tcp . 8000', 'udp . 8000'),
      layout: 2,
      foreign: [],
    });
    await remove('host');
    expect(await read('host')).toBeUndefined();
  });

  test("a network's sandbox is made to forward packets once", async () => {
    const first = await trying(() => node.kernel.ensureSettings(node.networkSandbox));
    expect(first).toContain('net.ipv4.ip_forward was 0, is 1');
    expect(await trying(() => node.kernel.ensureSettings(node.networkSandbox))).toEqual([]);
  });

  test('a network that the node has no part in leads nowhere', async () => {
    const nowhere = { id: 'nowhere0000000000000000', ingress: false, encrypted: false };
    expect(await trying(() => node.kernel.reached(nowhere, ['10.0.1.6']))).toEqual(new Set());
  });

  test('the host is made ready once', async () => {
    const first = await trying(() => node.kernel.ensureHost());
    expect(first.changed.join('\n')).toContain('DOCKER-USER accepts connections led to docker_gwbridge');
    expect(await trying(() => node.kernel.ensureHost())).toEqual({ changed: [], waitingFor: [] });
  });

  test('a host that is left is made ready anew', async () => {
    await trying(() => node.kernel.ensureHost());
    for (let time = 0; time < 2; time++) await trying(() => node.kernel.leaveHost());
    const again = await trying(() => node.kernel.ensureHost());
    expect(again.changed.join('\n')).toContain('DOCKER-USER accepts connections led to docker_gwbridge');
  });

  test('the host is made ready once by two calls at the same time', async () => {
    const both = await Promise.all([trying(() => node.kernel.ensureHost()), trying(() => node.kernel.ensureHost())]);
    const changed = both.flatMap((report) => report.changed);
    expect(new Set(changed).size).toBe(changed.length);
  });

  test('forgetting connections that are not there', async () => {
    const forget = () =>
      node.kernel.forget('ingress', [
        { kind: 'backend', carrier: 'tcp', target: target(5) },
        { kind: 'published', carrier: 'udp', port: 53 },
      ]);
    expect(await trying(forget)).toBe(0);
  });

  describe('the sandboxes', () => {
    const ingressId = async () => (await node.kernel.sandboxes()).get('ingress');

    test('are told of by name, those that are there at once', async () => {
      const told = new Map<string, string | undefined>();
      const both = Promise.withResolvers<void>();
      const watch = node.kernel.watchSandboxes((sandbox, id) => {
        told.set(sandbox, id);
        if (told.size === 2) both.resolve();
      });
      await both.promise;
      watch.close();
      expect(told).toEqual(await node.kernel.sandboxes());
      expect(new Set(told.keys())).toEqual(new Set(['ingress', node.networkSandbox]));
    });

    test('one that was replaced is another one, and has no rules', async () => {
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(5) }));
      const before = await ingressId();
      expect(before).toEqual(expect.any(String));
      expect(await ingressId()).toBe(before);
      await node.replaceSandbox();
      const after = await ingressId();
      expect(after).toEqual(expect.any(String));
      expect(after).not.toBe(before);
      expect(await read('ingress')).toBeUndefined();
    });

    test('one that goes is told of', async () => {
      const gone = Promise.withResolvers<void>();
      const there = Promise.withResolvers<void>();
      const watch = node.kernel.watchSandboxes((sandbox, id) => {
        if (sandbox === 'ingress') (id === undefined ? gone : there).resolve();
      });
      await there.promise;
      await node.removeSandbox();
      await gone.promise;
      watch.close();
      expect(await ingressId()).toBeUndefined();
      await expect(node.kernel.read('ingress')).rejects.toThrow(NamespaceMissing);
      const transaction = transactionOf([{ do: 'add table', kind: 'ingress' }]);
      await expect(node.kernel.apply('ingress', transaction as NonNullable<typeof transaction>)).rejects.toThrow(
        NamespaceMissing,
      );
    });
  });
}
