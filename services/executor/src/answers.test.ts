import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AnswerFailed,
  createMemoryBus,
  NobodyAnswers,
  readExamination,
  readExplanation,
  readHandover,
  readKernelTables,
  readServiceInDocker,
  subjects,
  writeQuestion,
  writeRequest,
} from '@fairway/bus';
import type { Examination } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { startAnswers } from './answers.ts';
import { endpoint, openLab, port } from './executor-lab.ts';
import { Handover } from './handover.ts';
import { createKernelStandIn } from './kernel/stand-in.ts';
import { kernelTables } from './kernel-tables.ts';
import { difference } from './rules/difference.ts';
import { hostOf } from './rules/sample.ts';

// Node n1, with the host's table, an ingress sandbox that has none, and the sandbox of one overlay network.

const spec = { id: 's1', name: 'web', index: 7, mode: 'vip', ports: [], vips: [], labels: {} } as const;

const examined: Examination = {
  looked: ['1 published port'],
  findings: [{ kind: 'stale', where: 'host', what: 'a', breaks: 'b', mend: 'c' }],
  unable: [{ where: 'ingress_sbox', why: 'd' }],
};

const never = () => Promise.reject(new Error('it was not asked'));

async function open() {
  const kernel = createKernelStandIn({ seed: 1, failOneIn: 0 });
  kernel.replaceSandbox('sandbox-2', 'lb_back00000');
  const { transaction } = difference(undefined, hostOf('tcp . 8000', 'tcp . 8001'), true);
  if (transaction) await kernel.apply('host', transaction);
  const bus = createMemoryBus();
  const asked: string[] = [];
  const executor = {
    planned: () => undefined,
    handOver: async () => {
      asked.push('hand over');
      return ['host', 'ingress'] as const;
    },
    takeBack: async () => void asked.push('take back'),
  };
  const path = join(await mkdtemp(join(tmpdir(), 'handover-')), 'state', 'left-to-docker');
  const inDocker = async (id: string) => {
    if (id === 'worker') throw new Error('DockerRefused: inspect the service: HTTP 503');
    return id === 's1' ? { spec, wanted: ['t1', 't2'], unread: ['t3'] } : undefined;
  };
  const audit = async () => examined;
  const answers = startAnswers({ bus, kernel, executor, handover: new Handover(path), inDocker, audit, doctor: audit });
  return { kernel, bus, answers, asked, path };
}

test('what is in the kernel, of the host and of every sandbox', async () => {
  const { bus, answers } = await open();
  answers.as('n1');
  const subject = subjects.ask('n1', 'rules');
  expect(readKernelTables(subject, await bus.ask(subject, writeQuestion(), 1_000))).toEqual([
    { namespace: 'host', text: expect.stringMatching(/^table inet fairway \{\n[\s\S]*tcp \. 8000 : /) },
    { namespace: 'ingress_sbox' },
    { namespace: 'lb_back00000' },
  ]);
});

test('what its Docker has of a service, or that it has none; and why it cannot say', async () => {
  const { bus, answers } = await open();
  answers.as('n1');
  const subject = subjects.ask('n1', 'service');
  const ask = async (id: string) => readServiceInDocker(subject, await bus.ask(subject, writeQuestion(id), 1_000));
  expect(await ask('s1')).toEqual({ spec, wanted: ['t1', 't2'], unread: ['t3'] });
  expect(await ask('s2')).toBeUndefined();
  await expect(ask('worker')).rejects.toThrow(/HTTP 503/);
});

test.each(['audit', 'doctor'] as const)('what it finds as %s', async (question) => {
  const { bus, answers } = await open();
  answers.as('n1');
  const subject = subjects.ask('n1', question);
  expect(readExamination(subject, await bus.ask(subject, writeQuestion(), 1_000))).toEqual(examined);
});

test('a node that has another id answers to that one alone', async () => {
  const { bus, answers } = await open();
  answers.as('n1');
  answers.as('n2');
  await expect(bus.ask(subjects.ask('n1', 'rules'), writeQuestion(), 1_000)).rejects.toThrow(NobodyAnswers);
  expect(await bus.ask(subjects.ask('n2', 'rules'), writeQuestion(), 1_000)).toContain('host');
  answers.as(undefined);
  await expect(bus.ask(subjects.ask('n2', 'rules'), writeQuestion(), 1_000)).rejects.toThrow(NobodyAnswers);
});

test('a node is left to Docker and taken back, which is remembered beyond the process', async () => {
  const { bus, answers, asked, path } = await open();
  answers.as('n1');
  const subject = subjects.ask('n1', 'uninstall');
  // What JetStream would send there, if another node had an answer or an entry sent there; and the other request.
  for (const text of [
    '{"type":"io.nats.jetstream.api.v1.stream_info_response"}',
    '{"schema":1}',
    writeRequest('install'),
  ]) {
    await expect(bus.ask(subject, text, 1_000)).rejects.toThrow(AnswerFailed);
  }
  expect(await new Handover(path).isRemembered()).toBe(false);
  expect(readHandover(subject, await bus.ask(subject, writeRequest('uninstall'), 1_000))).toEqual({
    released: ['host', 'ingress_sbox'],
  });
  expect(await new Handover(path).isRemembered()).toBe(true);
  await bus.ask(subjects.ask('n1', 'install'), writeRequest('install'), 1_000);
  expect(await new Handover(path).isRemembered()).toBe(false);
  expect(asked).toEqual(['hand over', 'take back']);
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

describe('explain', () => {
  const subject = subjects.ask('n1', 'explain');
  async function openExecutor() {
    const lab = await openLab();
    await lab.service('web', [port(8000)], [endpoint(5, 'n1'), endpoint(6, 'n2')], 'container start');
    await lab.until(() => lab.kernel.applied.length > 0);
    await lab.pass(1);
    const { bus, kernel, executor, clock } = lab;
    const handover = new Handover(join(tmpdir(), 'never-written'));
    startAnswers({ bus, kernel, executor, handover, inDocker: async () => undefined, audit: never, doctor: never }).as(
      'n1',
    );
    const ask = async (target: string) =>
      readExplanation(subject, await clock.settle(bus.ask(subject, writeQuestion(target), 1_000)));
    return { ...lab, ask };
  }

  test('is told by the last plan, and by the kernel as it is now', async () => {
    const { ask, kernel } = await openExecutor();
    const before = await ask('8000');
    expect(before).toMatchObject({ service: 'web', causes: [{ event: 'container start' }] });
    expect(before.backends.map(({ task, planned, held }) => [task, planned, held])).toEqual([
      ['t5', true, true],
      ['t6', true, true],
    ]);
    kernel.tamper('ingress', 'delete');
    const after = await ask('8000');
    expect(after.backends.map(({ planned, held }) => [planned, held])).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(after.kernel.map(({ held }) => held)).toEqual([true, false]);
  });

  test('what cannot be read is told as not read', async () => {
    const { ask, kernel } = await openExecutor();
    kernel.replaceSandbox(undefined);
    const { backends, kernel: entries } = await ask('8000');
    expect(backends[0]).not.toHaveProperty('held');
    expect(entries[1]).not.toHaveProperty('held');
  });

  test.each([
    ['web', 'AnswerFailed: fairway.ask.n1.explain: web is neither a port (8000, 53/udp) nor a virtual IP'],
    ['8000', 'AnswerFailed: fairway.ask.n1.explain: it has made no plan yet, or is in no swarm'],
  ])('%s of a node without a plan: %s', async (text, why) => {
    const { bus, answers } = await open();
    answers.as('n1');
    await expect(bus.ask(subject, writeQuestion(text), 1_000)).rejects.toThrow(why);
  });
});
