import {
  keys,
  readQuestion,
  subjects,
  writeExamination,
  writeExplanation,
  writeKernelTables,
  writeNetwork,
  writeNode,
  writeService,
  writeServiceInDocker,
} from '@fairway/bus';
import type { View } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { type ConsoleLab, openLab } from './console-lab.ts';

// Node n1, named alpha, on a bus in memory.

describe('what is in the kernel of a node', () => {
  const subject = subjects.ask('n1', 'rules');
  const tables = [{ namespace: 'host', text: 'table inet fairway {}\n' }, { namespace: 'lb_back00000' }];

  test.each(['alpha', 'n1'])('is asked of the node, named %s, and each sandbox has its network', async (name) => {
    const lab = await openLab();
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
    const lab = await openLab();
    await lab.fill();
    if (answer) lab.bus.answer(subject, answer);
    expect(await lab.get('/api/nodes/alpha/rules')).toEqual({ status, body: { error: expect.stringContaining(why) } });
  });

  test('of one that is not there: 404, and those that are', async () => {
    const lab = await openLab();
    await lab.fill();
    expect(await lab.get('/api/nodes/gamma/rules')).toEqual({
      status: 404,
      body: { error: 'there is no node gamma; there are alpha' },
    });
  });

  test('before the console has reached the mesh: 503', async () => {
    expect((await (await openLab()).get('/api/nodes/alpha/rules')).status).toBe(503);
  });

  test('while the bus is lost: 503', async () => {
    const lab = await openLab();
    await lab.fill();
    lab.given.cut();
    expect(await lab.get('/api/nodes/alpha/rules')).toEqual({
      status: 503,
      body: { error: expect.stringContaining('the console does not reach node alpha') },
    });
  });
});

describe.each(['audit', 'doctor'] as const)('the %s of a node', (question) => {
  const examined = {
    looked: ['1 published port'],
    findings: [{ kind: 'stale', where: 'host', what: 'a', breaks: 'b', mend: 'c' }],
    unable: [{ where: 'ingress_sbox', why: 'd' }],
  } as const;

  test('is asked of the node', async () => {
    const lab = await openLab();
    await lab.fill();
    lab.bus.answer(subjects.ask('n1', question), async () => writeExamination(examined));
    expect(await lab.get(`/api/nodes/alpha/${question}`)).toEqual({
      status: 200,
      body: { node: 'alpha', ...examined },
    });
  });
});

describe('where a node leads a target, and why', () => {
  const explained = { node: 'alpha', target: '53/udp', revision: 3, backends: [], kernel: [], notes: [], causes: [] };

  test('is asked of the node', async () => {
    const lab = await openLab();
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
    const lab = await openLab();
    await lab.fill();
    expect(await lab.get(path)).toEqual({ status, body: { error: expect.stringContaining(why) } });
  });
});

describe('how far the mesh is behind Docker', () => {
  const spec = { id: 's1', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} } as const;
  const claim = { index: 1, role: 'manager', availability: 'active', state: 'ready', labels: {} } as const;
  const path = '/api/status?service=web';
  const behindIn = async (lab: ConsoleLab, asked = path) => {
    const { status, body } = await lab.get(asked);
    return { status, behind: (body as View).behind };
  };
  /** The node n1 is a worker; n2 to n4 are managers, the first of which is down. */
  const openWithManagers = async () => {
    const lab = await openLab();
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

  test.each<[string, (lab: ConsoleLab) => void, string]>([
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
    const lab = await openLab();
    await lab.fill();
    await lab.write(keys.service('s1'), writeService({ spec, endpoints: [], causes: [], seen: 0, of: 1 }));
    const unheard = ['a manager to say what its Docker has: no manager that is ready is known'];
    expect((await behindIn(lab)).behind).toEqual({ unheard });
    expect(await behindIn(lab, '/api/status?service=api')).toEqual({ status: 200, behind: undefined });
    expect((await behindIn(lab, '/api/status')).behind).toBeUndefined();
    expect((await (await openLab()).get(path)).status).toBe(503);
  });
});

test('of two nodes with one name, as a machine that left and joined again has, the one that is ready is asked', async () => {
  const lab = await openLab();
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
