import { createMemoryBus, NobodyAnswers, readKernelTables, subjects } from '@fairway/bus';
import { expect, test } from 'vitest';
import { startAnswers } from './answers.ts';
import { createKernelStandIn } from './kernel/stand-in.ts';
import { kernelTables } from './kernel-tables.ts';
import { difference } from './rules/difference.ts';
import { hostOf } from './rules/sample.ts';

// Node n1, with the host's table, an ingress sandbox that has none, and the sandbox of one overlay network.

async function open() {
  const kernel = createKernelStandIn({ seed: 1, failOneIn: 0 });
  kernel.replaceSandbox('sandbox-2', 'lb_back00000');
  const { transaction } = difference(undefined, hostOf('tcp . 8000', 'tcp . 8001'), true);
  if (transaction) await kernel.apply('host', transaction);
  const bus = createMemoryBus();
  return { kernel, bus, answers: startAnswers({ bus, kernel }) };
}

test('what is in the kernel, of the host and of every sandbox', async () => {
  const { bus, answers } = await open();
  answers.as('n1');
  const subject = subjects.ask('n1', 'rules');
  expect(readKernelTables(subject, await bus.ask(subject, '', 1_000))).toEqual([
    { namespace: 'host', text: expect.stringMatching(/^table inet fairway \{\n[\s\S]*tcp \. 8000 : /) },
    { namespace: 'ingress_sbox' },
    { namespace: 'lb_back00000' },
  ]);
});

test('a node that has another id answers to that one alone', async () => {
  const { bus, answers } = await open();
  answers.as('n1');
  answers.as('n2');
  await expect(bus.ask(subjects.ask('n1', 'rules'), '', 1_000)).rejects.toThrow(NobodyAnswers);
  expect(await bus.ask(subjects.ask('n2', 'rules'), '', 1_000)).toContain('host');
  answers.as(undefined);
  await expect(bus.ask(subjects.ask('n2', 'rules'), '', 1_000)).rejects.toThrow(NobodyAnswers);
});

test('a namespace that cannot be read has its reason, and the others are told all the same', async () => {
  const { kernel } = await open();
  const show = (namespace: Parameters<typeof kernel.show>[0]) =>
    namespace === 'ingress' ? Promise.reject(new Error('nft: killed')) : kernel.show(namespace);
  const [host, ingress] = await kernelTables({ ...kernel, show });
  expect(host?.text).toContain('tcp . 8001');
  expect(ingress).toEqual({ namespace: 'ingress_sbox', failure: 'nft: killed' });
});

test('what is larger than the bus takes is cut between two lines, and says so', async () => {
  const { kernel } = await open();
  const whole = (await kernelTables(kernel))[0]?.text ?? '';
  const lines = whole.split('\n');
  const [first = '', second = ''] = lines;
  const limitBytes = JSON.stringify(`${first}\n${second}\n`).length;
  const [host] = await kernelTables(kernel, limitBytes);
  expect(host?.text).toBe(
    `${first}\n${second}\n# ${lines.length - 2} more lines are left out; on the node, nft list table inet fairway prints all\n`,
  );
  expect((await kernelTables(kernel, JSON.stringify(whole).length))[0]?.text).toBe(whole);
});
