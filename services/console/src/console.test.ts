import {
  createMemoryBus,
  deadLetter,
  keys,
  outcomeMessage,
  SimulatedClock,
  writeComplete,
  writeNode,
} from '@fairway/bus';
import type { Outcome, View } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { expect, test } from 'vitest';
import { startConsole } from './console.ts';

// Node n1, named alpha, on a bus in memory.

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

async function open() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const given = bus.another();
  const console = startConsole({ bus: given, log });
  const pass = (forMs: number) => clock.settle(Promise.resolve(), forMs);
  let told = 0;
  const lab = {
    bus,
    given,
    console,
    pass,
    /** A mesh with one node, complete; returns its last revision. */
    async fill(): Promise<number> {
      const epoch = await clock.settle(bus.provision());
      const claim = {
        id: 'n1',
        name: 'alpha',
        index: 1,
        role: 'worker',
        availability: 'active',
        state: 'ready',
      } as const;
      const text = writeNode({ claim: { ...claim, labels: {} }, retired: [], causes: [] });
      await clock.settle(bus.mesh.put(keys.node('n1'), text, 0));
      const revision = await clock.settle(bus.mesh.put(keys.complete, writeComplete({ epoch, listing: 'l' }), 0));
      await pass(1);
      return revision;
    },
    async tell(outcome: Outcome): Promise<void> {
      const epoch = (await clock.settle(bus.epoch())) ?? 'none';
      await clock.settle(bus.publish(outcomeMessage('n1', epoch, outcome, 0, '00-x'), `o${told++}`));
      await pass(1);
    },
    put: (message: Parameters<typeof bus.publish>[0], id: string) => clock.settle(bus.publish(message, id)),
    async status(): Promise<{ status: number; body: View & { error?: string } }> {
      const response = await clock.settle(Promise.resolve(console.app.request('/api/status')));
      return { status: response.status, body: (await response.json()) as View & { error?: string } };
    },
  };
  return lab;
}
const applied = (to: number): Outcome => ({
  kind: 'applied',
  from: 0,
  to,
  durationMs: 2,
  changes: { added: 1, removed: 0 },
  causes: [],
  notes: [],
});
const failed = (to: number): Outcome => ({
  kind: 'failed',
  from: to,
  to,
  namespace: 'host',
  reason: 'refused',
  causes: [],
});

test('answers 503, and why, before it has reached the mesh; it is alive all the while', async () => {
  const lab = await open();
  const { status, body } = await lab.status();
  expect(status).toBe(503);
  expect(body.error).toContain('is a decider running?');
  const alive = await lab.console.app.request('/healthz');
  expect([alive.status, await alive.text()]).toEqual([200, 'ok\n']);
});

test('answers with the mesh and what its nodes have applied', async () => {
  const lab = await open();
  const revision = await lab.fill();
  expect((await lab.status()).body).toMatchObject({ converged: false, revision });
  await lab.tell(applied(revision));
  const { status, body } = await lab.status();
  expect(status).toBe(200);
  expect(body).toMatchObject({ converged: true, revision, nodes: [{ name: 'alpha', applied: revision, changeMs: 2 }] });
});

test('a lost bus is told, and what was known then is shown; once it is found nothing is said of it', async () => {
  const lab = await open();
  await lab.tell(applied(await lab.fill()));
  lab.given.cut();
  const { status, body } = await lab.status();
  expect(status).toBe(200);
  expect(body).toMatchObject({ converged: false, pending: [{ about: 'bus' }], nodes: [{ name: 'alpha' }] });
  expect(body.pending[0]?.why).toContain('lost the stand-in');
  lab.given.mend();
  await lab.pass(1);
  expect((await lab.status()).body.converged).toBe(true);
});

test('messages put aside are counted', async () => {
  const lab = await open();
  await lab.fill();
  for (const id of ['a', 'b']) await lab.put(deadLetter('decider', { subject: 's', reason: 'r' }, 'text'), id);
  expect((await lab.status()).body.putAside).toBe(2);
});

test('an outcome that cannot be read is left out', async () => {
  const lab = await open();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  await lab.put({ subject: 'fairway.outcome.n1.applied', text: '{]' }, 'bad');
  await lab.pass(1);
  expect((await lab.status()).body.converged).toBe(true);
});

test('a failure counts until the next success', async () => {
  const lab = await open();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  await lab.tell(failed(revision));
  expect((await lab.status()).body.nodes[0]).toMatchObject({ failure: 'refused' });
  await lab.tell(applied(revision));
  expect((await lab.status()).body.nodes[0]).not.toHaveProperty('failure');
});

test('a failure before the bus was wiped is over with the first success after it', async () => {
  const lab = await open();
  const before = await lab.fill();
  for (let n = 0; n < 5; n++) await lab.tell(failed(before));
  lab.bus.wipe();
  await lab.tell(applied(await lab.fill()));
  expect((await lab.status()).body).toMatchObject({ converged: true });
});

test('stopped, it hears nothing more', async () => {
  const lab = await open();
  await lab.fill();
  await lab.console.stop();
  await lab.tell(failed(1));
  expect((await lab.status()).body.nodes[0]).not.toHaveProperty('failure');
});
