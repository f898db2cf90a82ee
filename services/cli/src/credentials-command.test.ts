import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

/** Each step starts a process or two, on a machine that may do other things. */
vi.setConfig({ testTimeout: 60_000 });

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairway-cli-'));
});
afterAll(() => rm(dir, { recursive: true }));

type Run = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

function credentials(...args: readonly string[]): Promise<Run> {
  const env = { ...process.env, FAIRWAY_CREDENTIALS_DIR: join(dir, 'made') };
  const child = spawn(process.execPath, [main, 'credentials', ...args], { env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
}

test('from nothing to a node that is revoked', async () => {
  const none = await credentials('list');
  expect(none).toMatchObject({ status: 1, stdout: '' });
  expect(none.stderr).toContain('make them with fairway credentials init');

  const made = await credentials('init', '--server', 's1=10.0.0.1', '--server', 's2=10.0.0.2');
  expect(made, made.stderr).toMatchObject({ status: 0 });
  expect(made.stdout).toContain('FAIRWAY_NATS=tls://10.0.0.1:4222,tls://10.0.0.2:4222');

  const added = await credentials('node', 'add', '--manager', 'n1');
  const file = join(dir, 'made/clients/n1.json');
  expect(added).toMatchObject({ status: 0, stdout: `${file}\n` });
  // No server runs here: somebody has to tell them.
  expect(added.stderr).toContain('s1, s2. Give each its folder');
  const { seed } = JSON.parse(await readFile(file, 'utf8')) as { seed: string };

  const again = await credentials('node', 'add', 'n1');
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toBe('fairway: NameTaken: n1 has credentials already; rotate them, or revoke them first\n');

  const steps = [added, again];
  for (const step of [
    ['rotate', 'n1'],
    ['rotate', 'n1', '--finish'],
    ['node', 'demote', 'n1'],
    ['service', 'add', 'decider-2', '--role', 'decider'],
    ['renew'],
    ['reload'],
  ]) {
    const run = await credentials(...step);
    expect(run, `${step}: ${run.stderr}`).toMatchObject({ status: 0 });
    steps.push(run);
  }
  const { stdout: list } = await credentials('list');
  expect(list.split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
    'NAME ROLE KEYS',
    'decider decider 1',
    'sentinel sentinel 1',
    'console console 1',
    'n1 node 1',
    'decider-2 decider 1',
    '',
    'SERVER ADDRESS CERTIFICATE',
    expect.stringMatching(/^s1 10\.0\.0\.1:4222 20/),
    expect.stringMatching(/^s2 10\.0\.0\.2:4222 20/),
    '',
  ]);
  expect(await credentials('revoke', 'n1')).toMatchObject({ status: 0 });
  const unknown = await credentials('rotate', 'n1', '--finish');
  expect(unknown).toMatchObject({ status: 1 });
  expect(unknown.stderr).toContain('n1 has no credentials; these have: decider, sentinel, console, decider-2');
  const { stdout: json } = await credentials('list', '--json');
  expect(JSON.parse(json)).toMatchObject({
    users: [{ name: 'decider' }, { name: 'sentinel' }, { name: 'console' }, { name: 'decider-2' }],
  });
  const said = [...steps, unknown].map(({ stdout, stderr }) => stdout + stderr).join('');
  expect(said).not.toContain(seed);
  expect(said + list + json).not.toMatch(/SU[A-Z2-7]{56}/);
});

test('what cannot be done is told in one line', async () => {
  await credentials('init', '--server', 's1=10.0.0.1');
  const same = await credentials(
    '--dir',
    join(dir, 'other'),
    'init',
    '--server',
    's1=10.0.0.1',
    '--server',
    's2=10.0.0.1',
  );
  expect(same).toMatchObject({ status: 1, stdout: '' });
  expect(same.stderr).toBe('fairway: ServersInvalid: 10.0.0.1:4222 is named twice\n');
  await writeFile(join(dir, 'made/servers/s1/server.crt'), 'spoilt');
  const spoilt = await credentials('list');
  expect(spoilt).toMatchObject({ status: 1, stdout: '' });
  expect(spoilt.stderr).toMatch(/^fairway: FolderUnusable: .*server\.crt is no certificate; .* renew\n$/);
  const file = join(dir, 'file');
  await writeFile(file, '');
  const within = await credentials('--dir', join(file, 'folder'), 'init', '--server', 's1=10.0.0.1');
  expect(within).toMatchObject({ status: 1, stdout: '' });
  expect(within.stderr).toMatch(/^fairway: FolderUnusable: .*: EEXIST: [^\n]*\n$/);
});

test.each([
  [['init']],
  [['init', '--server', 's1']],
  [['init', '--server', 's1=10.0.0.1', '--client-port', '0']],
  [['init', '--server', 's1=10.0.0.1', '--server', 's1=10.0.0.2']],
  [['node', 'add']],
  [['service', 'add', 'x', '--role', 'king']],
  [['nothing']],
])('wrong usage %j: 2', async (args) => {
  expect(await credentials(...args)).toMatchObject({ status: 2, stdout: '' });
});

test('every command tells of its exit statuses', async () => {
  for (const args of [
    ['init'],
    ['node', 'add'],
    ['node', 'promote'],
    ['service', 'add'],
    ['rotate'],
    ['revoke'],
    ['renew'],
    ['reload'],
    ['list'],
  ]) {
    const { status, stdout } = await credentials(...args, '--help');
    expect(status).toBe(0);
    expect(stdout, args.join(' ')).toMatch(/fairway credentials [\s\S]*Exit status: 0/);
  }
});
