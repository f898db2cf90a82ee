import { createMemoryBus, MessageTooLarge, outcomeStream, readOutcome, SimulatedClock, subjects } from '@fairway/bus';
import type { Cause, Note } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { logTo } from './executor-lab.ts';
import { OutcomeReport } from './outcome-report.ts';

const trace = '00-00000000000000000000000000000001-0000000000000001-01';
const cause = (event: string): Cause => ({ trace: `00-${event}`, event, atMs: 0, after: 0 });
const generation = (revision: number, epoch = 'e1') => ({ epoch, revision });
const success = (revision: number, epoch = 'e1', notes: readonly Note[] = []) => ({
  generation: generation(revision, epoch),
  durationMs: 2,
  changes: { added: 1, removed: 0 },
  causes: [cause(`r${revision}`)],
  notes,
  trace,
});

/** A report of node n1, and what the bus heard: `0 applied 0-5 +1 2ms r5`, the time first. */
async function open() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  await clock.settle(bus.provision());
  const startMs = clock.nowMs();
  const heard: string[] = [];
  bus.another().tail(outcomeStream.name, subjects.outcomes, (message) => {
    const { body, sender } = readOutcome(message);
    const head = `${clock.nowMs() - startMs} ${sender} ${body.kind}`;
    if (body.kind === 'applied') {
      const why = body.causes.map(({ event }) => event).join(',');
      heard.push(`${head} ${body.from}-${body.to} +${body.changes.added} ${body.durationMs}ms ${why}`.trim());
    } else if (body.kind === 'failed') heard.push(`${head} ${body.to} ${body.namespace}: ${body.reason}`);
  });
  const said: string[] = [];
  const given = bus.another();
  const report = new OutcomeReport({ bus: given, log: logTo(said), clock, nowMs: () => clock.nowMs() });
  const pass = (forMs: number) => clock.settle(Promise.resolve(), forMs);
  return { bus: given, report, heard, said, pass };
}

test('success is told at once, and then at most every 250 ms, for all revisions since', async () => {
  const { report, heard, pass } = await open();
  report.applied('n1', success(3));
  await pass(10);
  for (let revision = 4; revision <= 60; revision++) {
    report.applied('n1', success(revision));
    await pass(10);
  }
  await pass(1_000);
  expect(heard.map((line) => line.replace(/ms .*/, 'ms'))).toEqual([
    '0 n1 applied 0-3 +1 2ms',
    '250 n1 applied 4-27 +24 48ms',
    '500 n1 applied 28-52 +25 50ms',
    '750 n1 applied 53-60 +8 16ms',
  ]);
  expect(heard[1]).toMatch(/r12,.*,r27$/);
});

test('a failure is told at once, also between two watermarks', async () => {
  const { report, heard, pass } = await open();
  report.applied('n1', success(3));
  await pass(10);
  report.failed('n1', generation(4), 'ingress', 'refused', [cause('r4')], trace);
  await pass(10);
  expect(heard).toEqual(['0 n1 applied 0-3 +1 2ms r3', '10 n1 failed 4 ingress: refused']);
});

test('what was first is told first: a failure never before the success that it followed', async () => {
  const { report, heard, pass } = await open();
  report.applied('n1', success(3));
  await pass(10);
  report.applied('n1', success(4));
  report.failed('n1', generation(5), 'ingress', 'refused', [], trace);
  await pass(300);
  report.failed('n1', generation(6), 'ingress', 'refused again', [], trace);
  report.applied('n1', success(6));
  await pass(300);
  expect(heard.map((line) => line.split(' ').slice(2, 4).join(' '))).toEqual([
    'applied 0-3',
    'applied 4-4',
    'failed 5',
    'failed 6',
    'applied 5-6',
  ]);
});

test('a bus that is down costs nothing but time', async () => {
  const { bus, report, heard, said, pass } = await open();
  report.applied('n1', success(3));
  await pass(10);
  bus.cut();
  report.applied('n1', success(4));
  await pass(5_000);
  report.failed('n1', generation(5), 'host', 'refused', [], trace);
  report.applied('n1', success(6));
  await pass(5_000);
  expect(heard).toHaveLength(1);
  bus.mend();
  await pass(2_000);
  expect(heard.map((line) => line.split(' ').slice(2).join(' '))).toEqual([
    'applied 0-3 +1 2ms r3',
    'failed 5 host: refused',
    'applied 4-6 +2 4ms r4,r6',
  ]);
  expect(said).toEqual([]);
});

test('of many failures while the bus is down the last hundred are kept', async () => {
  const { bus, report, heard, pass } = await open();
  bus.cut();
  for (let revision = 1; revision <= 150; revision++)
    report.failed('n1', generation(revision), 'host', 'refused', [], trace);
  await pass(1_500);
  bus.mend();
  await pass(2_000);
  expect(heard).toHaveLength(100);
  expect(heard.at(-1)).toContain('failed 150');
});

test('what comes while another is being told is told too', async () => {
  const { report, heard, pass } = await open();
  report.applied('n1', success(3));
  report.failed('n1', generation(4), 'host', 'refused', [], trace);
  await pass(100);
  expect(heard).toHaveLength(2);
});

test('revisions of two epochs make no range', async () => {
  const { report, heard, pass } = await open();
  report.applied('n1', success(9));
  await pass(10);
  report.applied('n1', success(11));
  report.applied('n1', success(2, 'e2'));
  await pass(300);
  expect(heard.at(-1)).toContain('applied 0-2 +1 2ms r2');
});

test('one that the bus refuses is left out, and the next is told', async () => {
  const { report, heard, said, pass } = await open();
  const notes = Array.from({ length: 10_000 }, (_, n) => ({
    kind: 'refused' as const,
    about: `${n}/tcp`,
    why: 'it belongs to another service, which was changed later; publish another port'.repeat(2),
  }));
  report.applied('n1', success(3, 'e1', notes));
  await pass(300);
  expect(said[0]).toContain(MessageTooLarge.name);
  report.applied('n1', success(4));
  await pass(300);
  expect(heard).toEqual(['300 n1 applied 4-4 +1 2ms r4']);
});

test('nothing is told after its end', async () => {
  const { report, heard, pass } = await open();
  report.applied('n1', success(3));
  await pass(10);
  report.applied('n1', success(4));
  report.stop();
  await pass(1_000);
  expect(heard).toHaveLength(1);
});
