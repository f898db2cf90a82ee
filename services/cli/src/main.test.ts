import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { EventLine } from '@fairway/mesh';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { sampleExplanation } from './sample-explanation.ts';
import { convergedView, sampleView } from './sample-view.ts';
import { showEvent } from './show-event.ts';
import { showExplanation } from './show-explanation.ts';
import { showStatus } from './show-status.ts';

const rules = { node: 'beta', tables: [{ namespace: 'host', text: 'table inet fairway {\n}\n' }] };
const unread = { node: 'beta', tables: [{ namespace: 'host', failure: 'nft: killed' }] };
const events: EventLine[] = [
  { kind: 'fact', atMs: 1_500, node: 'alpha', what: 'container web: container start', trace: '4bf92f35' },
  { kind: 'outcome', atMs: 1_600, node: 'alpha', what: 'applied revision 4' },
];
const explainPath = 'api/nodes/alpha/explain?target=53%2Fudp';
const auditOf = (name: string) => `api/nodes/${name}/audit`;
const clean = { node: 'alpha', looked: ['2 published ports', '1 virtual IP'], findings: [], unable: [] };
const found = {
  ...clean,
  findings: [{ kind: 'stale', where: 'host', what: 'it is old', breaks: 'the new', mend: 'restart it' }],
};
const unable = { ...clean, unable: [{ where: 'host', why: 'no iptables' }] };
const rulesPath = 'api/nodes/beta/rules';

/** Each test starts a process or two, several at a time, on a machine that may do other things. */
const processMaxMs = 15_000;
vi.setConfig({ testTimeout: 2 * processMaxMs });

/** What a console at `/NAME/api/status` answers, by that name, or at another path. */
const consoles: Record<string, { status: number; body: string; path?: string }> = {
  converged: { status: 200, body: JSON.stringify(convergedView) },
  behind: { status: 200, body: JSON.stringify(sampleView) },
  early: { status: 503, body: '{"error":"the console has not reached the mesh on the bus yet"}' },
  other: { status: 404, body: '<html>not here</html>' },
  rules: { status: 200, body: JSON.stringify(rules), path: rulesPath },
  unread: { status: 200, body: JSON.stringify(unread), path: rulesPath },
  explained: { status: 200, body: JSON.stringify(sampleExplanation), path: explainPath },
  unserved: { status: 200, body: JSON.stringify({ ...sampleExplanation, unserved: 'why' }), path: explainPath },
  events: { status: 200, body: `${events.map((line) => JSON.stringify(line)).join('\n')}\n`, path: 'api/events' },
  followed: { status: 200, body: `${JSON.stringify(events[0])}\n`, path: 'api/events?follow' },
  many: { status: 200, body: `${JSON.stringify(events[0])}\n`.repeat(5_000), path: 'api/events' },
  beating: { status: 200, body: `\n${JSON.stringify(events[0])}\n\n`, path: 'api/events?follow' },
  refused: {
    status: 200,
    body: JSON.stringify({
      ...sampleExplanation,
      backends: sampleExplanation.backends.map((backend) => ({ ...backend, planned: false })),
    }),
    path: explainPath,
  },
  missing: {
    status: 200,
    body: JSON.stringify({ ...sampleExplanation, kernel: [{ what: 'host: leads', held: false }] }),
    path: explainPath,
  },
  silent: { status: 504, body: '{"error":"node beta does not answer"}', path: rulesPath },
  clean: { status: 200, body: JSON.stringify(clean), path: auditOf('alpha') },
  unable: { status: 200, body: JSON.stringify(unable), path: auditOf('alpha') },
};

/** What a console at `/audited/` answers: of two nodes that are ready one is found wanting, and one does not answer. */
const [first, second] = sampleView.nodes;
if (!first || !second) throw new Error('the sample has nodes');
const audited: Record<string, { status: number; body: string }> = {
  'api/status': {
    status: 200,
    body: JSON.stringify({
      ...convergedView,
      nodes: [second, { ...first, state: 'ready' }, { ...second, state: 'down' }],
    }),
  },
  [auditOf(second.id)]: { status: 504, body: '{"error":"node beta does not answer"}' },
  [auditOf(first.id)]: { status: 200, body: JSON.stringify(found) },
};

/** What `fairway wait` asks for. */
const asksOfWeb = 'api/status?service=web';

/** What a console at `/update/` answers in turn: the state before an update, the new task, and that it serves. */
const [service] = sampleView.services;
if (!service) throw new Error('the sample has a service');
const [serving, starting] = service.endpoints;
const web = { ...service, replicas: 1, serving: 1 };
const updating: unknown[] = [
  {
    ...convergedView,
    services: [{ ...web, endpoints: [serving] }],
    behind: { index: 3, unheard: ['the mesh to hear of its update'] },
  },
  { ...convergedView, services: [{ ...web, endpoints: [serving, starting] }] },
  { ...convergedView, services: [{ ...web, endpoints: [{ ...serving, task: 't2' }] }] },
];
let asked = 0;
let server: Server;
let base: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    const [, name = '', ...rest] = (request.url ?? '').split('/');
    const view = name === 'update' ? updating[Math.min(asked++, updating.length - 1)] : undefined;
    const audit = name === 'audited' ? audited[rest.join('/')] : undefined;
    const answer = audit
      ? { ...audit, path: rest.join('/') }
      : view
        ? { status: 200, body: JSON.stringify(view), path: asksOfWeb }
        : consoles[name];
    if (name === 'hanging') return;
    const path = rest.join('/');
    const found = path === (answer?.path ?? 'api/status') || path === asksOfWeb ? answer : undefined;
    const type = found?.path?.includes('events') ? 'application/x-ndjson' : 'application/json';
    response.writeHead(found?.status ?? 500, { connection: 'close', 'content-type': type }).end(found?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

type Run = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function fairway(args: readonly string[], environment: Record<string, string> = {}): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args], { env: environment, timeout: processMaxMs });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
}

describe.concurrent('fairway status', () => {
  test('converged: 0', async () => {
    const { status, stdout, stderr } = await fairway(['status', '--console', `${base}/converged`]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(showStatus(convergedView, 0));
  });

  test('not converged: 1, the tables all the same; the console is taken from the environment', async () => {
    const { status, stdout, stderr } = await fairway(['status'], { CONSOLE: `${base}/behind/` });
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toContain('Not converged at revision 42.');
    expect(stdout).toContain('TASK');
  });

  test('--json gives the view as it is', async () => {
    const { status, stdout } = await fairway(['status', '--json', '--console', `${base}/behind`]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual(sampleView);
  });

  test.each([
    ['early', 'answered 503: the console has not reached the mesh on the bus yet'],
    ['other', 'answered 404, which is not a Fairway console'],
  ])('a console that cannot tell, as %s: 1, and why', async (name, why) => {
    const { status, stdout, stderr } = await fairway(['status', '--console', `${base}/${name}`]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(`fairway: ${base}/${name}/api/status ${why}\n`);
  });

  test.each(['http://127.0.0.1:9', 'no url'])('no answer from %s: 1, and what to do', async (url) => {
    const { status, stderr } = await fairway(['status', '--console', url]);
    expect(status).toBe(1);
    expect(stderr).toContain('Is the console running, and is this its address? Set --console or CONSOLE.');
  });

  test('of several consoles the first that can tell is asked; none: 1, and all are named', async () => {
    const urls = ['http://127.0.0.1:9', `${base}/hanging`, `${base}/early`, `${base}/converged`, `${base}/behind`];
    const { status, stdout, stderr } = await fairway(['status', '--console', urls.join(',')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(showStatus(convergedView, 0));
    const gone = await fairway(['status'], { CONSOLE: 'http://127.0.0.1:9, http://127.0.0.1:10/' });
    expect(gone.status).toBe(1);
    expect(gone.stderr).toBe(
      'fairway: No answer from http://127.0.0.1:9/api/status, http://127.0.0.1:10/api/status. ' +
        'Is a console running, and are these their addresses? Set --console or CONSOLE.\n',
    );
  });

  test.each([[['status', '--jsn']], [['state']], [['status', 'more']], [['status', '--console']], [[]]])(
    'wrong usage %j: 2',
    async (args) => {
      const { status, stdout, stderr } = await fairway(args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).not.toBe('');
    },
  );

  test('--help: 0, with the exit statuses', async () => {
    const { status, stdout } = await fairway(['status', '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('Exit status: 0 converged, 1 not converged or not known, 2 wrong usage.');
  });
});

describe.concurrent('fairway wait', () => {
  const wait = (name: string, ...args: readonly string[]) =>
    fairway(['wait', '--service', 'web', '--console', `${base}/${name}`, ...args]);

  test('an update that the view does not show yet is waited for: 0, and each step on stderr', async () => {
    const { status, stdout, stderr } = await wait('update');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'Every ready node has web, at revision 7.\n' });
    expect(stderr.trim().split('\n')).toEqual([
      'waiting for the mesh to hear of its update',
      'waiting for task t2 on n2, which waits for its container to run',
      'waiting for it to stay so for a second',
    ]);
  });

  test('not in time: 1, and what is still waited for', async () => {
    const { status, stdout, stderr } = await wait('behind', '--timeout', '0.3');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('fairway: after 0.3 s web still waits for task t2 on beta, which waits for its container');
  });

  test('a service that is not there is waited for: 1 in the end', async () => {
    const { status, stdout } = await wait('converged', '--timeout', '0', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ service: 'web', everywhere: false, waitingFor: ['a service web'] });
  });

  test('a console that does not answer is waited for: 1 in the end', async () => {
    const { status, stderr } = await wait('early', '--timeout', '0.3');
    expect(status).toBe(1);
    expect(stderr).toContain('the console has not reached the mesh on the bus yet');
  });

  test('a console that hangs keeps it no longer than a look takes: 1', async () => {
    const { status, stdout } = await wait('hanging', '--timeout', '0.3', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout).waitedMs).toBeLessThan(4_000);
  });

  test.each([[['wait']], [['wait', '--service', 'web', '--timeout', 'soon']], [['wait', '--service', 'web', 'more']]])(
    'wrong usage %j: 2',
    async (args) => expect((await fairway(args)).status).toBe(2),
  );

  test('--help: 0, with the bound and the exit statuses', async () => {
    const { status, stdout } = await fairway(['wait', '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('What Docker begins later');
    expect(stdout).toContain('Exit status: 0 every ready node has it, 1 not in time, 2 wrong usage.');
  });
});

describe.concurrent('fairway rules', () => {
  const rulesOf = (name: string, ...args: readonly string[]) =>
    fairway(['rules', 'beta', '--console', `${base}/${name}`, ...args]);

  test('the tables: 0; the same for programs', async () => {
    expect(await rulesOf('rules')).toEqual({
      status: 0,
      stdout: '# beta, host\ntable inet fairway {\n}\n',
      stderr: '',
    });
    expect(JSON.parse((await rulesOf('rules', '--json')).stdout)).toEqual(rules);
  });

  test('a table that could not be read: 1, with the others', async () => {
    const { status, stdout } = await rulesOf('unread');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '# beta, host: it could not be read: nft: killed\n' });
  });

  test('a node that does not answer: 1, and why', async () => {
    const { status, stdout, stderr } = await rulesOf('silent');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('answered 504: node beta does not answer');
  });

  test('a failure is JSON for programs too', async () => {
    const { status, stdout, stderr } = await rulesOf('silent', '--json');
    expect(status).toBe(1);
    expect(stderr).toBe(`fairway: ${JSON.parse(stdout).error}\n`);
  });

  test.each([[['rules']], [['rules', 'a', 'b']]])('wrong usage %j: 2', async (args) => {
    expect((await fairway(args)).status).toBe(2);
  });
});

describe.concurrent('fairway audit', () => {
  const auditing = (name: string, ...args: readonly string[]) =>
    fairway(['audit', ...args, '--console', `${base}/${name}`]);

  test('nothing found on a node: 0', async () => {
    expect(await auditing('clean', 'alpha')).toEqual({
      status: 0,
      stdout: 'alpha, 2 published ports, 1 virtual IP: nothing found.\n',
      stderr: '',
    });
  });

  test('something that could not be looked at: 1, and why', async () => {
    const { status, stdout } = await auditing('unable', 'alpha');
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: 'alpha, 2 published ports, 1 virtual IP: nothing found.\n  not looked at, host: no iptables\n',
    });
  });

  test('each node that is ready, though one does not answer: 1, what was found, and who does not answer', async () => {
    const { status, stdout, stderr } = await auditing('audited');
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout:
        'alpha, 2 published ports, 1 virtual IP:\n  stale, host: it is old\n    breaks: the new\n    mend: restart it\n',
    });
    expect(stderr).toContain('answered 504: node beta does not answer');
    const { stdout: lines } = await auditing('audited', '--json');
    expect(
      lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ error: expect.stringContaining('node beta does not answer') }, found]);
  });

  test('wrong usage: 2', async () => {
    expect((await fairway(['audit', 'a', 'b'])).status).toBe(2);
  });
});

describe.concurrent('fairway explain', () => {
  const explain = (name: string, ...args: readonly string[]) =>
    fairway(['explain', 'alpha:53/udp', '--console', `${base}/${name}`, ...args]);

  test('served: 0; the same for programs', async () => {
    const { status, stdout } = await explain('explained');
    expect(status).toBe(0);
    const ages = (text: string) => text.replace(/\d+ (h|min)/g, 'AGE').replace(/ +/g, ' ');
    expect(ages(stdout)).toBe(ages(showExplanation(sampleExplanation, Date.now())));
    expect(JSON.parse((await explain('explained', '--json')).stdout)).toEqual(sampleExplanation);
  });

  test('not served: 1, and why', async () => {
    const { status, stdout } = await explain('unserved');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^alpha does not serve 8000\/tcp \(web\): why\.\n/);
  });

  test('planned, and refused for want of a task, or not in the kernel: 1', async () => {
    const { status, stdout } = await explain('refused');
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining('connections are refused') });
    expect((await explain('missing')).status).toBe(1);
  });

  test.each([[['explain']], [['explain', 'alpha']], [['explain', ':8000']], [['explain', 'alpha:web']]])(
    'wrong usage %j: 2',
    async (args) => expect((await fairway(args)).status).toBe(2),
  );
});

describe.concurrent('fairway events', () => {
  const told = (name: string, ...args: readonly string[]) =>
    fairway(['events', '--console', `${base}/${name}`, ...args]);

  test('the last ones: 0; the same for programs', async () => {
    expect(await told('events')).toEqual({ status: 0, stdout: events.map(showEvent).join(''), stderr: '' });
    const { stdout } = await told('events', '--json');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(events);
  });

  test('followed, until the console goes: 1, with what was told', async () => {
    const { status, stdout, stderr } = await told('followed', '--follow');
    expect({ status, stdout }).toEqual({ status: 1, stdout: showEvent(events[0] as EventLine) });
    expect(stderr).toBe('fairway: the console ended the events; it was stopped\n');
  });

  test('empty lines, by which the console says that it is still there, are no events', async () => {
    const { stdout } = await told('beating', '--follow');
    expect(stdout).toBe(showEvent(events[0] as EventLine));
  });

  test('a reader that has had enough ends it: 0, and nothing is said', async () => {
    const child = spawn(process.execPath, [main, 'events', '--console', `${base}/many`], { timeout: processMaxMs });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [status] = await once(child, 'close');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('what is no console: 1', async () => {
    const { status, stderr } = await told('converged');
    expect(status).toBe(1);
    expect(stderr).toContain("answered 500, which is not a Fairway console's list of events");
  });
});
