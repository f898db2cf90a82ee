import { describe, expect, test } from 'vitest';
import { difference } from '../rules/difference.ts';
import type { Balancer, IngressWish, IpvsIngressRules, NetworkWish } from '../rules/rules.ts';
import { eachByItself, ingressOf, ipv4, networkOf, target, targets, wished } from '../rules/sample.ts';
import { endedIn } from '../rules/settle-virtual.ts';
import { targetsOf } from '../rules/targets.ts';
import { transactionOf } from '../rules/transaction.ts';
import { openEach, type Subject } from './contract-subject.ts';
import { NamespaceMissing, RefusedByIpvs, RuleRejected } from './failures.ts';
import type { RulesOf } from './kernel.ts';

/**
 * What holds for every kernel's balancing, the real one's and its stand-in's.
 * @param balancer what the kernel balances by
 * @param open called before each test
 * @param patience how often a verb may fail before the test does: 1 where failures are off
 */
export function balancerContract(balancer: Balancer, open: () => Promise<Subject>, patience = 1) {
  const node = openEach(open, patience);
  const { trying, bring, read, remove } = node;

  test('there is no table at first', async () => {
    expect(await read('ingress')).toBeUndefined();
    expect(await read(node.networkSandbox)).toBeUndefined();
  });

  describe('what was applied reads back', () => {
    test.each<[string, readonly IngressWish[]]>([
      ['one port', [ingressOf({ 'tcp . 8000': targets(5, 6, 7) })]],
      ['no ports', [ingressOf({})]],
      [
        'many',
        [ingressOf({ 'tcp . 8000': targets(5), 'udp . 8000': targets(6, 7), 'tcp . 65535': [], 'udp . 1': [] })],
      ],
      ['more endpoints', [ingressOf({ 'tcp . 8000': targets(5) }), ingressOf({ 'tcp . 8000': targets(5, 6, 7) })]],
      ['fewer', [ingressOf({ 'tcp . 8000': targets(5, 6, 7, 8) }), ingressOf({ 'tcp . 8000': targets(7) })]],
      ['none', [ingressOf({ 'tcp . 8000': targets(5, 6) }), ingressOf({ 'tcp . 8000': [] })]],
      [
        'none and back',
        [ingressOf({ 'udp . 8000': targets(5) }), ingressOf({}), ingressOf({ 'udp . 8000': targets(6) })],
      ],
      ['one replaced', [ingressOf({ 'tcp . 8000': targets(5, 6) }), ingressOf({ 'tcp . 8000': targets(9, 6) })]],
      [
        'datagrams each by itself, more, fewer and none',
        [
          ingressOf({ 'udp . 53': eachByItself(targets(5, 6)), 'tcp . 53': eachByItself(targets(5, 6)) }),
          ingressOf({ 'udp . 53': eachByItself(targets(5, 6, 7)), 'udp . 54': eachByItself(targets(8)) }),
          ingressOf({ 'udp . 53': eachByItself(targets(7)) }),
          ingressOf({ 'udp . 53': eachByItself([]) }),
        ],
      ],
      [
        'datagrams each by itself, and together, and each again',
        [
          ingressOf({ 'udp . 53': targets(5, 6) }),
          ingressOf({ 'udp . 53': eachByItself(targets(5, 6)) }),
          ingressOf({ 'udp . 53': targets(5, 6) }),
          ingressOf({ 'udp . 53': eachByItself(targets(6)) }),
        ],
      ],
      ['a port for another', [ingressOf({ 'tcp . 8000': targets(5) }), ingressOf({ 'tcp . 8001': targets(5) })]],
    ])('in the sandbox: %s', async (_, wishes) => {
      for (const wish of wishes) {
        const rules = await bring('ingress', wish);
        expect(await read('ingress')).toEqual({ rules, layout: 2, foreign: [] });
      }
    });
  });

  test.each<[string, readonly NetworkWish[]]>([
    ['no virtual IP', [networkOf({})]],
    ['two', [networkOf({ 100: [5, 6, 7], 101: [] })]],
    ['a task more and less', [networkOf({ 100: [5] }), networkOf({ 100: [5, 6] }), networkOf({ 100: [6] })]],
    ['one for another', [networkOf({ 100: [5] }), networkOf({ 101: [5] })]],
    ['none and back', [networkOf({ 100: [5] }), networkOf({}), networkOf({ 100: [5] })]],
    [
      'one whose datagrams go each by itself',
      [networkOf({ 100: [5, 6] }, eachByItself), networkOf({ 100: [6, 7, 8] }, eachByItself), networkOf({ 100: [6] })],
    ],
  ])("what was applied in a network's sandbox reads back, routes and all: %s", async (_, wishes) => {
    for (const wish of wishes) {
      const rules = await bring(node.networkSandbox, wish);
      expect(rules).toHaveProperty('vips', new Set(wish.services.keys()));
      expect(await read(node.networkSandbox)).toEqual({ rules, layout: 2, foreign: [] });
    }
  });

  test('what was applied is shown as nft lists it, and no table as none', async () => {
    const shown = () => trying(() => node.kernel.show('ingress'));
    expect(await shown()).toBeUndefined();
    await bring('ingress', ingressOf({ 'tcp . 8000': targets(5, 6) }));
    const text = await shown();
    expect(text).toMatch(/^table inet fairway \{\n[\s\S]*\}\n/);
    expect(text).toMatch(/tcp \. 8000 : (jump spread-tcp-2|goto balance)/);
    if (node.kernel.balancer === 'nftables')
      for (const task of ['10.0.0.5 . 80', '10.0.0.6 . 80']) expect(text).toContain(`: ${task}`);
  });

  test('what is so already needs no transaction', async () => {
    const wish = ingressOf({ 'tcp . 8000': targets(5, 6) });
    await bring('ingress', wish);
    expect(
      difference<RulesOf<'ingress'>>(await read('ingress'), wish, true, node.kernel.balancer).transaction,
    ).toBeUndefined();
  });

  describe.runIf(balancer === 'nftables')('a transaction applies whole or not at all', () => {
    test.each([
      ['an element that is there', 'add element', 'File exists'],
      ['an element that is not', 'delete element', 'No such file or directory'],
    ] as const)('%s', async (_, verb, reason) => {
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(5) }));
      const before = await read('ingress');
      const slot = { map: 'slots', key: 'tcp . 8000 . 7', target: target(7) } as const;
      const clash = {
        map: 'slots',
        key: verb === 'add element' ? 'tcp . 8000 . 0' : 'tcp . 9 . 0',
        target: target(9),
      } as const;
      const transaction = transactionOf([
        { do: 'add element', element: slot },
        { do: verb, element: clash },
      ]);
      // A refusal is told from a failure of the stand-in by its reason.
      await expect(
        trying(async () => {
          const failure = await node.kernel
            .apply('ingress', transaction as NonNullable<typeof transaction>)
            .catch((e) => e);
          if (!(failure instanceof RuleRejected) || !failure.reason.includes(reason)) throw failure;
          return { namespace: failure.namespace, text: failure.text };
        }),
      ).resolves.toMatchObject({ namespace: 'ingress', text: expect.stringContaining('8000 . 7 : 10.0.0.7 . 80') });
      expect(await read('ingress')).toEqual(before);
    });

    test('a chain that is still led to', async () => {
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(5) }));
      const transaction = transactionOf([{ do: 'delete chain', spread: 'tcp-1' }]);
      await expect(node.kernel.apply('ingress', transaction as NonNullable<typeof transaction>)).rejects.toThrow();
      expect((await read('ingress'))?.rules).toMatchObject({ spreads: new Set(['tcp-1']) });
    });
  });

  describe.runIf(balancer === 'ipvs')('IPVS', () => {
    const weights = async () => {
      const rules = (await read('ingress'))?.rules;
      const servers = rules && 'virtual' in rules ? [...rules.virtual.values()] : [];
      return servers.flatMap(({ destinations }) => [...destinations].map(([name, { weight }]) => `${name} ${weight}`));
    };

    test('a draining task keeps its place with weight 0, and leaves when it is gone', async () => {
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(5, 6) }));
      await bring('ingress', ingressOf({ 'tcp . 8000': wished(targets(6), { draining: targets(5, 9) }) }));
      expect(await weights()).toEqual(['10.0.0.5:80 0', '10.0.0.6:80 1']);
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(6, 5) }));
      expect(await weights()).toEqual(['10.0.0.5:80 1', '10.0.0.6:80 1']);
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(6) }));
      expect(await weights()).toEqual(['10.0.0.6:80 1']);
    });

    test('a scheduler is changed in place', async () => {
      for (const scheduler of ['rr', 'wrr', 'lc', 'wlc', 'sh', 'mh', 'sed', 'nq'] as const) {
        const wish = ingressOf({ 'udp . 53': wished(targets(5), { policy: { scheduler } }) });
        const rules = await bring('ingress', wish);
        expect(await read('ingress')).toEqual({ rules, layout: 2, foreign: [] });
      }
    });

    test('what the kernel refuses keeps nothing else from being applied, and is named', async () => {
      const multicast = { address: ipv4('224.0.0.1'), port: 80 };
      const wish = ingressOf({ 'tcp . 8000': [target(5), multicast, target(6)], 'tcp . 8001': targets(7) });
      const { transaction } = difference<RulesOf<'ingress'>>(await read('ingress'), wish, true, balancer);
      const failure = await node.kernel
        .apply('ingress', transaction as NonNullable<typeof transaction>)
        .catch((e) => e);
      expect(failure).toBeInstanceOf(RefusedByIpvs);
      expect(failure.message).toMatch(/224\.0\.0\.1.*address not unicast/);
      const rules = (await read('ingress'))?.rules;
      expect(rules && targetsOf(rules, 'tcp . 8000')).toEqual(targets(5, 6));
      expect(rules && targetsOf(rules, 'tcp . 8001')).toEqual(targets(7));
    });

    test('virtual services that are left without a table are found, and serve when it is there again', async () => {
      const wish = ingressOf({ 'tcp . 8000': targets(5, 6) });
      const rules = await bring('ingress', wish);
      await node.kernel.apply(
        'ingress',
        transactionOf([{ do: 'delete table' }]) as NonNullable<ReturnType<typeof transactionOf>>,
      );
      expect(await read('ingress')).toMatchObject({ missing: true });
      await bring('ingress', wish);
      expect(await read('ingress')).toEqual({ rules, layout: 2, foreign: [] });
    });

    test('a draining task without connections leaves, and does not come back', async () => {
      const drained = ingressOf({ 'tcp . 8000': targets(5) });
      const service = drained.services.get('tcp . 8000');
      if (!service) throw new Error('no service');
      const wish = { ...drained, services: new Map([['tcp . 8000', { ...service, draining: targets(6) }] as const]) };
      await bring('ingress', ingressOf({ 'tcp . 8000': targets(5, 6) }));
      await bring('ingress', wish);
      const found = await read('ingress');
      const ended = found && endedIn(found.rules, await node.kernel.connections('ingress'));
      expect(ended).toEqual(new Set(['tcp . 172.18.0.2 . 8000 > 10.0.0.6:80']));
      const { transaction } = difference<RulesOf<'ingress'>>(found, wish, true, balancer, ended);
      if (transaction) await node.kernel.apply('ingress', transaction);
      const { virtual } = (await bring('ingress', wish)) as IpvsIngressRules;
      expect([...virtual.values()].map(({ destinations }) => [...destinations.keys()])).toEqual([['10.0.0.5:80']]);
      expect((await read('ingress'))?.rules).toMatchObject({ virtual });
    });
  });

  test.each(['ingress', 'network'] as const)('nothing is left after removal: %s', async (kind) => {
    const namespace = kind === 'network' ? node.networkSandbox : kind;
    if (kind === 'ingress') await bring('ingress', ingressOf({ 'tcp . 8000': targets(5, 6) }));
    else await bring(node.networkSandbox, networkOf({ 100: [5, 6] }));
    await remove(namespace);
    expect(await read(namespace)).toBeUndefined();
  });

  test('a sandbox that is gone is missing', async () => {
    await node.removeSandbox();
    await expect(node.kernel.read('ingress')).rejects.toThrow(NamespaceMissing);
  });

  test('nothing is missing here', async () => {
    expect(await node.kernel.requirements()).toEqual([]);
  });
}
