import { deadLetter, outlookMessage, throttledMessage, verdictMessage } from '@fairway/bus';
import { expect, test } from 'vitest';
import { applied, failed, openLab } from './console-lab.ts';

// Node n1, named alpha, on a bus in memory.

test('answers 503, and why, before it has reached the mesh; it is alive all the while', async () => {
  const lab = await openLab();
  const { status, body } = await lab.status();
  expect(status).toBe(503);
  expect(body.error).toContain('is a decider running?');
  const alive = await lab.console.app.request('/healthz');
  expect([alive.status, await alive.text()]).toEqual([200, 'ok\n']);
});

test('answers with the mesh and what its nodes have applied', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  expect((await lab.status()).body).toMatchObject({ converged: false, revision });
  await lab.tell(applied(revision));
  const { status, body } = await lab.status();
  expect(status).toBe(200);
  expect(body).toMatchObject({ converged: true, revision, nodes: [{ name: 'alpha', applied: revision, changeMs: 2 }] });
});

test('what a process said that died, and comes after what the next one says, is late', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  for (const late of [applied(revision - 1), failed(revision - 1)]) await lab.tell(late);
  expect((await lab.status()).body).toMatchObject({ converged: true, nodes: [{ applied: revision }] });
});

test('what others changed on a node is told until it is right again, and then that it is', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  const found = ['the table is missing'];
  for (const outcome of [applied(revision), failed(revision), { kind: 'drifted', namespace: 'host', found }] as const)
    await lab.tell(outcome);
  await lab.tell({ kind: 'drifted', namespace: 'ingress', found });
  await lab.tell({ kind: 'repaired', namespace: 'ingress', found });
  const [node] = (await lab.status()).body.nodes;
  expect(node?.drifts).toMatchObject([
    { namespace: 'host', found, repaired: false },
    { namespace: 'ingress', found, repaired: true },
  ]);
  // It is no word on what was applied; that is one on it.
  expect(node).toMatchObject({ applied: revision, failure: 'refused' });
  await lab.tell(applied(revision));
  for (const drift of (await lab.status()).body.nodes[0]?.drifts ?? []) expect(drift.repaired).toBe(true);
});

test('a lost bus is told, and what was known then is shown; once it is found nothing is said of it', async () => {
  const lab = await openLab();
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
  const lab = await openLab();
  await lab.fill();
  for (const id of ['a', 'b']) await lab.put(deadLetter('decider', { subject: 's', reason: 'r' }, 'text'), id);
  expect((await lab.status()).body.putAside).toBe(2);
});

test('an outcome that cannot be read is left out, and counted', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  await lab.put({ subject: 'fairway.outcome.n1.applied', text: '{]' }, 'bad');
  await lab.pass(1);
  expect((await lab.status()).body).toMatchObject({ converged: true, putAside: 1 });
});

test('a node that is throttled is named for as long as it is said', async () => {
  const lab = await openLab();
  await lab.fill();
  await lab.tell(applied(2));
  const problems = async () => (await lab.status()).body.problems;
  const said = throttledMessage('decider', { sender: 'n1', refused: 7 });
  lab.bus.broadcast({ ...said, text: '{}' });
  await lab.pass(1);
  expect(await problems()).toEqual([]);
  lab.bus.broadcast(said);
  await lab.pass(4_000);
  expect(await problems()).toEqual([{ about: 'node alpha', why: expect.stringContaining('7 messages') }]);
  await lab.pass(2_000);
  expect(await problems()).toEqual([]);
  lab.bus.broadcast(throttledMessage('sentinel', { sender: 'n1', refused: 0 }));
  await lab.pass(1);
  expect(await problems()).toEqual([{ about: 'node alpha', why: expect.stringContaining('not heard for a while') }]);
});

test('what sentinels do not see is told for as long as they say so, and that none is heard after a while', async () => {
  const lab = await openLab();
  await lab.fill();
  const unwatched = async () => (await lab.status()).body.unwatched;
  expect(await unwatched()).toEqual([]);
  await lab.pass(6_000);
  expect(await unwatched()).toEqual([{ about: 'sentinels', why: expect.stringContaining('none is heard') }]);
  lab.bus.broadcast({ subject: 'fairway.outlook.s1', text: '{}' });
  lab.bus.broadcast(outlookMessage({ sentinel: 's1', expected: 1, unheard: ['n1'], blind: true }));
  await lab.pass(1);
  expect(await unwatched()).toEqual([{ about: 'sentinel s1', why: expect.stringContaining('hears 0 of 1') }]);
  await lab.pass(6_000);
  expect(await unwatched()).toEqual([{ about: 'sentinels', why: expect.stringContaining('none is heard') }]);
});

test('a node is lost by a verdict, ahead of any record', async () => {
  const lab = await openLab();
  await lab.fill();
  const votes = [{ peer: 'n2', sight: 'silent' as const }];
  const { epoch } = (await lab.status()).body;
  const verdict = { node: 'n1', by: 's1', votes, sinceMs: 1, epoch, after: 0, trace: '' };
  lab.bus.broadcast(verdictMessage(verdict));
  await lab.pass(1);
  expect((await lab.status()).body.nodes[0]).toMatchObject({
    lost: 's1 hears no beat of it, and n2 does not reach it',
  });
  await lab.pass(16_000);
  expect((await lab.status()).body.nodes[0]).not.toHaveProperty('lost');
});

test('a failure counts until the next success', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  await lab.tell(failed(revision));
  expect((await lab.status()).body.nodes[0]).toMatchObject({ failure: 'refused' });
  await lab.tell(applied(revision));
  expect((await lab.status()).body.nodes[0]).not.toHaveProperty('failure');
});

test('a failure before the bus was wiped is over with the first success after it', async () => {
  const lab = await openLab();
  const before = await lab.fill();
  for (let n = 0; n < 5; n++) await lab.tell(failed(before));
  lab.bus.wipe();
  await lab.tell(applied(await lab.fill()));
  expect((await lab.status()).body).toMatchObject({ converged: true });
});

test('stopped, it hears nothing more', async () => {
  const lab = await openLab();
  await lab.fill();
  await lab.console.stop();
  await lab.tell(failed(1));
  expect((await lab.status()).body.nodes[0]).not.toHaveProperty('failure');
});
