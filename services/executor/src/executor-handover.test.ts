// The node and its tasks are those of executor.test.ts.
import { expect, test } from 'vitest';
import { endpoint, openLab, port } from './executor-lab.ts';

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

test('what cannot be released is told, and everything else is released', async () => {
  const lab = await openLab({
    given: (kernel) => ({
      ...kernel,
      apply: (namespace, transaction) =>
        namespace === 'host' && transaction.operations[0]?.do === 'delete table'
          ? Promise.reject(new Error('busy'))
          : kernel.apply(namespace, transaction),
    }),
  });
  await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await lab.pass(100);
  await expect(lab.clock.settle(lab.executor.handOver())).rejects.toThrow('host');
  expect(lab.kernel.rules('ingress')).toBeUndefined();
});
