import {
  createMemoryBus,
  deadLetter,
  factMessage,
  keys,
  outcomeMessage,
  outlookMessage,
  readQuestion,
  SimulatedClock,
  subjects,
  throttledMessage,
  verdictMessage,
  writeComplete,
  writeExplanation,
  writeKernelTables,
  writeNetwork,
  writeNode,
  writeService,
  writeServiceInDocker,
} from '@fairway/bus';
import type { EventLine, Outcome, View } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { describe, expect, test } from 'vitest';
import { startConsole } from './console.ts';

// Node n1, named alpha, on a bus in memory.

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

async function open() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const given = bus.another();
  const console = startConsole({ bus: given, log, clock });
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
    async write(key: string, text: string): Promise<void> {
      await clock.settle(bus.mesh.put(key, text, 0));
      await pass(1);
    },
    async tell(outcome: Outcome): Promise<void> {
      const epoch = (await clock.settle(bus.epoch())) ?? 'none';
      await clock.settle(bus.publish(outcomeMessage('n1', epoch, outcome, 0, '00-x'), `o${told++}`));
      await pass(1);
    },
    async get(path: string): Promise<{ status: number; body: unknown }> {
      const response = await clock.settle(Promise.resolve(console.app.request(path)));
      return { status: response.status, body: await response.json() };
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

test('what a process said that died, and comes after what the next one says, is late', async () => {
  const lab = await open();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  for (const late of [applied(revision - 1), failed(revision - 1)]) await lab.tell(late);
  expect((await lab.status()).body).toMatchObject({ converged: true, nodes: [{ applied: revision }] });
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

test('an outcome that cannot be read is left out, and counted', async () => {
  const lab = await open();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  await lab.put({ subject: 'fairway.outcome.n1.applied', text: '{]' }, 'bad');
  await lab.pass(1);
  expect((await lab.status()).body).toMatchObject({ converged: true, putAside: 1 });
});

test('a node that is throttled is named for as long as it is said', async () => {
  const lab = await open();
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
  const lab = await open();
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
  const lab = await open();
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

describe('what is in the kernel of a node', () => {
  const subject = subjects.ask('n1', 'rules');
  const tables = [{ namespace: 'host', text: 'table inet fairway {}\n' }, { namespace: 'lb_back00000' }];

  test.each(['alpha', 'n1'])('is asked of the node, named %s, and each sandbox has its network', async (name) => {
    const lab = await open();
    await lab.fill();
    lab.bus.answer(subject, async () => writeKernelTables(tables));
    const flags = { ingress: false, attachable: false, internal: false, encrypted: false };
    const network = writeNetwork({ id: 'back000000000000', name: 'back', index: 1, ...flags });
    await lab.write(keys.network('back000000000000'), network);
    expect(await lab.get(`/api/nodes/${name}/rules`)).toEqual({
      status: 200,
      body: { node: 'alpha', tables: [tables[0], { namespace: 'lb_back00000', network: 'back' }] },
    });
  });

  test.each<[string, number, string, (() => Promise<string>) | undefined]>([
    ['nobody answers', 504, 'node alpha does not answer; does its node process run', undefined],
    ['no answer comes in time', 504, 'node alpha has not answered within 10 s', () => new Promise(() => {})],
    ['the node cannot', 502, 'node alpha could not answer: no nft', () => Promise.reject(new Error('no nft'))],
    ['its answer is none', 502, 'what node alpha answers cannot be read (not JSON)', async () => '{]'],
    ['its answer does not fit', 502, 'cannot be read (schema: no version', async () => '{}'],
    ['its answer is of a later release', 502, 'version 2 is none that this release reads', async () => '{"schema":2}'],
  ])('%s: %i, and a sentence', async (_, status, why, answer) => {
    const lab = await open();
    await lab.fill();
    if (answer) lab.bus.answer(subject, answer);
    expect(await lab.get('/api/nodes/alpha/rules')).toEqual({ status, body: { error: expect.stringContaining(why) } });
  });

  test('of one that is not there: 404, and those that are', async () => {
    const lab = await open();
    await lab.fill();
    expect(await lab.get('/api/nodes/gamma/rules')).toEqual({
      status: 404,
      body: { error: 'there is no node gamma; there are alpha' },
    });
  });

  test('before the console has reached the mesh: 503', async () => {
    expect((await (await open()).get('/api/nodes/alpha/rules')).status).toBe(503);
  });

  test('while the bus is lost: 503', async () => {
    const lab = await open();
    await lab.fill();
    lab.given.cut();
    expect(await lab.get('/api/nodes/alpha/rules')).toEqual({
      status: 503,
      body: { error: expect.stringContaining('the console does not reach node alpha') },
    });
  });
});

describe('where a node leads a target, and why', () => {
  const explained = { node: 'alpha', target: '53/udp', revision: 3, backends: [], kernel: [], notes: [], causes: [] };

  test('is asked of the node', async () => {
    const lab = await open();
    await lab.fill();
    lab.bus.answer(subjects.ask('n1', 'explain'), async (text) =>
      writeExplanation({ ...explained, unserved: `asked ${readQuestion('', text)}` }),
    );
    expect(await lab.get('/api/nodes/alpha/explain?target=53%2Fudp')).toEqual({
      status: 200,
      body: { ...explained, unserved: 'asked 53/udp' },
    });
  });

  test.each<[string, number, string]>([
    ['/api/nodes/alpha/explain', 400, 'target has to be a port (8000, 53/udp) or a virtual IP'],
    ['/api/nodes/alpha/explain?target=web', 400, 'target has to be'],
    ['/api/nodes/gamma/explain?target=8000', 404, 'there is no node gamma'],
    ['/api/nodes/alpha/explain?target=8000', 504, 'node alpha does not answer'],
  ])('%s: %i, and why', async (path, status, why) => {
    const lab = await open();
    await lab.fill();
    expect(await lab.get(path)).toEqual({ status, body: { error: expect.stringContaining(why) } });
  });
});

describe('how far the mesh is behind Docker', () => {
  const spec = { id: 's1', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} } as const;
  const claim = { index: 1, role: 'manager', availability: 'active', state: 'ready', labels: {} } as const;
  const path = '/api/status?service=web';
  const behindIn = async (lab: Awaited<ReturnType<typeof open>>, asked = path) => {
    const { status, body } = await lab.get(asked);
    return { status, behind: (body as View).behind };
  };
  /** The node n1 is a worker; n2 to n4 are managers, the first of which is down. */
  const openWithManagers = async () => {
    const lab = await open();
    await lab.fill();
    await lab.write(keys.service('s1'), writeService({ spec, endpoints: [], causes: [], seen: 0, of: 1 }));
    for (const [id, state] of [['n2', 'down'] as const, ['n3', 'ready'] as const, ['n4', 'ready'] as const])
      await lab.write(keys.node(id), writeNode({ claim: { ...claim, id, name: id, state }, retired: [], causes: [] }));
    return lab;
  };

  test('a manager is asked, and the next one where the first cannot say', async () => {
    const lab = await openWithManagers();
    const asked: string[] = [];
    const answer = (node: string, say: () => Promise<string>) =>
      lab.bus.answer(subjects.ask(node, 'service'), (text) => {
        asked.push(`${node} of ${readQuestion('', text)}`);
        return say();
      });
    for (const node of ['n1', 'n2', 'n3']) answer(node, () => Promise.reject(new Error('the swarm has no leader')));
    answer('n4', async () => writeServiceInDocker({ spec: { ...spec, index: 4 }, wanted: ['t1'], unread: [] }));
    const unheard = ['the mesh to hear what Docker decided of one of its tasks'];
    const behind = { index: 4, unheard };
    expect(await behindIn(lab)).toEqual({ status: 200, behind });
    expect(asked).toEqual(['n3 of s1', 'n4 of s1']);
    // Who answered is asked first from then on.
    expect(await behindIn(lab)).toEqual({ status: 200, behind });
    expect(asked).toHaveLength(3);
  });

  test.each<[string, (lab: Awaited<ReturnType<typeof open>>) => void, string]>([
    ['no manager answers', () => {}, 'node n4 does not answer'],
    [
      'a manager hangs',
      (lab) => lab.bus.answer(subjects.ask('n4', 'service'), () => new Promise(() => {})),
      'within 10 s',
    ],
    ['the bus is lost', (lab) => lab.given.cut(), 'the console does not reach node n4'],
  ])('%s: that is waited for', async (_, happen, why) => {
    const lab = await openWithManagers();
    happen(lab);
    const unheard = [expect.stringMatching(`^a manager to say what its Docker has: .*${why}`)];
    expect(await behindIn(lab)).toEqual({ status: 200, behind: { unheard } });
  });

  test('without a manager likewise; of a service that is not there, and where nobody asks, nothing', async () => {
    const lab = await open();
    await lab.fill();
    await lab.write(keys.service('s1'), writeService({ spec, endpoints: [], causes: [], seen: 0, of: 1 }));
    const unheard = ['a manager to say what its Docker has: no manager that is ready is known'];
    expect((await behindIn(lab)).behind).toEqual({ unheard });
    expect(await behindIn(lab, '/api/status?service=api')).toEqual({ status: 200, behind: undefined });
    expect((await behindIn(lab, '/api/status')).behind).toBeUndefined();
    expect((await (await open()).get(path)).status).toBe(503);
  });
});

test('of two nodes with one name, as a machine that left and joined again has, the one that is ready is asked', async () => {
  const lab = await open();
  await lab.fill();
  const claim = { name: 'alpha', index: 1, role: 'worker', availability: 'active', labels: {} } as const;
  const node = (id: string, state: 'ready' | 'down') =>
    lab.write(keys.node(id), writeNode({ claim: { ...claim, id, state }, retired: [], causes: [] }));
  await node('n0', 'down');
  await node('n2', 'down');
  lab.bus.answer(subjects.ask('n1', 'rules'), async () => writeKernelTables([]));
  expect(await lab.get('/api/nodes/alpha/rules')).toEqual({ status: 200, body: { node: 'alpha', tables: [] } });
  await node('n3', 'ready');
  expect(await lab.get('/api/nodes/alpha/rules')).toEqual({
    status: 409,
    body: { error: 'there are several nodes alpha; ask for one by its id: n1, n3' },
  });
});

describe('events', () => {
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as EventLine);

  test('facts, changes of the mesh and outcomes in the order in which they passed, by name', async () => {
    const lab = await open();
    await lab.fill();
    const spec = { id: 's1', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} } as const;
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const causes = [{ trace, event: 'service create', atMs: 3, after: 0 }];
    await lab.write(keys.service('s1'), writeService({ spec, endpoints: [], causes, seen: 0, of: 1 }));
    const reading = { incarnation: { boot: 'b', daemon: 'd' }, tick: 1 };
    const body = {
      kind: 'container',
      node: 'n1',
      service: 's1',
      task: 't1',
      container: 'c1',
      state: 'running',
    } as const;
    await lab.put(factMessage('n1', 'e', { ...body, reading }, 'container start', 5, trace), 'f1');
    await lab.put({ subject: subjects.fact('n1', 'container', 's1'), text: '{]' }, 'f2');
    await lab.tell(applied(4));
    const response = await lab.console.app.request('/api/events');
    expect(lines(await response.text())).toMatchObject([
      { kind: 'mesh', what: expect.stringMatching(/^epoch \w+ begins$/) },
      { kind: 'mesh', what: 'revision 2: node alpha' },
      { kind: 'mesh', what: 'revision 3: complete' },
      { kind: 'mesh', what: 'revision 4: service web by service create', trace: '4bf92f35' },
      {
        kind: 'fact',
        atMs: 5,
        node: 'alpha',
        what: 'container web: container start, task t1 is running',
        trace: '4bf92f35',
      },
      { kind: 'outcome', node: 'alpha', what: 'applied revision 0 to 4 in 2.0 ms, 1 added, 0 removed' },
    ]);
  });

  test('who follows hears what comes, until the console stops', async () => {
    const lab = await open();
    await lab.fill();
    const response = await lab.console.app.request('/api/events?follow');
    const all = response.text();
    await lab.tell(failed(3));
    await lab.console.stop();
    expect(lines(await all).at(-1)).toMatchObject({ kind: 'outcome', what: 'failed in host at revision 3: refused' });
  });

  test('who follows hears within half a minute that the console is still there', async () => {
    const lab = await open();
    await lab.fill();
    const reader = (await lab.console.app.request('/api/events?follow')).body?.getReader();
    await reader?.read();
    const next = reader?.read();
    await lab.pass(30_000);
    expect(new TextDecoder().decode((await next)?.value)).toBe('\n');
    await lab.console.stop();
  });
});
