// The node and its tasks are those of executor.test.ts.
import { expect, test } from 'vitest';
import { endpoint, openLab, port } from './executor-lab.ts';
import type { Transaction } from './rules/transaction.ts';

test('a node that is left to Docker has no rules, whatever changes, and says so; taken back it has them at once', async () => {
  const lab = await openLab();
  await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await lab.pass(100);
  expect(await lab.clock.settle(lab.executor.handOver())).toEqual(['host', 'ingress']);
  const isBare = () => !lab.kernel.rules('host') && !lab.kernel.rules('ingress');
  expect(isBare()).toBe(true);
  const revision = await lab.service('web', [port(8000), port(8001)], [endpoint(5, 'n1')]);
  lab.kernel.replaceSandbox('another');
  await lab.pass(30_000);
  expect(isBare()).toBe(true);
  expect(lab.outcomes.at(-1)).toMatchObject({
    kind: 'applied',
    to: revision,
    notes: [{ kind: 'refused', about: 'node n1', why: expect.stringContaining('fairway uninstall') }],
  });
  await lab.clock.settle(lab.executor.takeBack());
  expect(lab.rules()).toContain('8001/tcp: 10.0.0.5:80');
});

test('a node that was taken back is not called served before its rules are there', async () => {
  const lab = await openLab();
  await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await lab.clock.settle(lab.executor.handOver());
  lab.kernel.replaceSandbox(undefined);
  await expect(lab.clock.settle(lab.executor.takeBack())).rejects.toThrow(
    'its rules are not all there after 10 s, and it goes on trying: ApplyFailed: ingress: ingress: no network namespace',
  );
  lab.kernel.replaceSandbox('another');
  await lab.clock.settle(lab.executor.takeBack());
  expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80');
});

const isTableGone = (transaction: Transaction) => transaction.operations[0]?.do === 'delete table';

test('what cannot be released is told, everything else is released, and it is tried until it can', async () => {
  let isBusy = true;
  const lab = await openLab({
    given: (kernel) => ({
      ...kernel,
      apply: (namespace, transaction) =>
        isBusy && namespace === 'host' && isTableGone(transaction)
          ? Promise.reject(new Error('busy'))
          : kernel.apply(namespace, transaction),
    }),
  });
  const revision = await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await lab.pass(100);
  await expect(lab.clock.settle(lab.executor.handOver())).rejects.toThrow('host');
  expect(lab.kernel.rules('ingress')).toBeUndefined();
  await lab.pass(1_000);
  expect(lab.outcomes.at(-1)).toMatchObject({ kind: 'failed', namespace: 'host' });
  isBusy = false;
  await lab.pass(10_000);
  expect(lab.kernel.rules('host')).toBeUndefined();
  expect(lab.outcomes.at(-1)).toMatchObject({ kind: 'applied', to: revision });
});

test('a process that begins on a node that is left to Docker takes away what an earlier one did not come to', async () => {
  const before = await openLab();
  await before.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await before.pass(100);
  await before.executor.stop();
  const lab = await openLab({ kernel: before.kernel, handedOver: true });
  await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await lab.pass(100);
  expect([lab.kernel.rules('host'), lab.kernel.rules('ingress')]).toEqual([undefined, undefined]);
  const { applied } = lab.kernel;
  const count = applied.length;
  await lab.pass(60_000);
  expect(applied.slice(count)).toEqual([]);
  await lab.clock.settle(lab.executor.takeBack());
  expect(lab.rules()).toContain('8000/tcp: 10.0.0.5:80');
});
