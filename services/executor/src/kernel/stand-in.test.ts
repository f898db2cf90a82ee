import { describe, expect, test } from 'vitest';
import { type Balancer, balancers } from '../rules/rules.ts';
import { transactionOf } from '../rules/transaction.ts';
import { balancerContract } from './balancer-contract.ts';
import type { Subject } from './contract-subject.ts';
import { nodeContract } from './node-contract.ts';
import { createKernelStandIn } from './stand-in.ts';

let next = 0;
function subject(balancer: Balancer, seed: number, failOneIn: number): Subject {
  const kernel = createKernelStandIn({ seed, failOneIn, balancer });
  const networkSandbox = 'lb_back00000';
  kernel.replaceSandbox('network-sandbox-1', networkSandbox);
  return {
    kernel,
    networkSandbox,
    replaceSandbox: async () => {
      next += 1;
      kernel.replaceSandbox(`sandbox-of-test-${next}`);
    },
    removeSandbox: async () => kernel.replaceSandbox(undefined),
  };
}

describe.each(balancers)('%s without failures', (balancer) => {
  balancerContract(balancer, async () => subject(balancer, 1, 0));
  nodeContract(async () => subject(balancer, 1, 0));
});

describe.each([1, 2, 3])('failing one operation in three, seed %i', (seed) => {
  balancerContract('nftables', async () => subject('nftables', seed, 3), 20);
  nodeContract(async () => subject('nftables', seed, 3), 20);
});

test('about one operation in ten fails, the same ones for the same seed', async () => {
  const outcomes = async (seed: number) => {
    const kernel = createKernelStandIn({ seed });
    const told: string[] = [];
    for (let turn = 0; turn < 1_000; turn += 1) {
      const transaction = kernel.rules('host')
        ? transactionOf([{ do: 'delete table' }])
        : transactionOf([{ do: 'add table', kind: 'host' }]);
      told.push(
        await kernel.apply('host', transaction as NonNullable<typeof transaction>).then(
          () => 'applied',
          (error: Error) => error.name,
        ),
      );
    }
    return told;
  };
  const told = await outcomes(7);
  expect(told).toEqual(await outcomes(7));
  expect(told).not.toEqual(await outcomes(8));
  const failed = told.filter((one) => one !== 'applied');
  expect(failed.length).toBeGreaterThan(60);
  expect(failed.length).toBeLessThan(140);
  expect(new Set(failed)).toEqual(new Set(['RuleRejected', 'CommandHung']));
});
