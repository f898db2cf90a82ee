// The units as systemd runs them, on a machine of namespaces: a swarm of one node, and all of Fairway on it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePrograms, ensureToolchain, killCgroup, projectDir, run, until } from '@fairway/cluster';
import { afterAll, beforeAll, expect, test } from 'vitest';

const cgroup = 'fairway-systemd';
const boot = new URL('machine/boot.sh', import.meta.url).pathname;
const say = (line: string) => void process.stderr.write(`${line}\n`);

let out: string;
/** What session.sh reports, by the first word of each line. */
let report: (word: string) => readonly string[];

beforeAll(async () => {
  await ensurePrograms([{ program: 'systemctl', package: 'systemd', purpose: 'running the units' }], say);
  const { busybox, natsServer } = await ensureToolchain(say);
  out = await mkdtemp(join(tmpdir(), 'fairway-systemd-'));
  const image = join(out, 'image');
  for (const dir of ['bin', 'www']) await mkdir(join(image, dir), { recursive: true });
  await copyFile(busybox, join(image, 'bin/busybox'));
  await writeFile(join(image, 'www/index.html'), 'here');
  await run(['tar', '-C', image, '-cf', join(out, 'image.tar'), '.']);

  const machine = spawn(boot, [cgroup, out, projectDir, natsServer], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(machine, 'close');
  let said = '';
  machine.stderr.on('data', (text) => {
    said += text;
  });
  try {
    await until(
      'all that is done on the machine to have been done',
      () => {
        if (machine.exitCode !== null) throw new Error(`the machine ended: ${said}`);
        return existsSync(join(out, 'done')) || 'it goes on';
      },
      { limitMs: 100_000 },
    );
  } finally {
    await killCgroup(cgroup);
    await ended;
    const text = await readFile(join(out, 'report'), 'utf8').catch(() => said);
    if (!existsSync(join(out, 'done'))) say(text);
    const lines = text.split('\n').map((line) => line.split(/ (.*)/s));
    report = (word) => lines.flatMap(([first, rest = '']) => (first === word ? [rest] : []));
  }
});

afterAll(() => rm(out, { recursive: true }));

test('each runs with no more rights than it is given', () => {
  const rights = Object.fromEntries(
    report('unit').map((line) => {
      const [unit = '', state, uid, capabilities, noNewPrivileges, seccomp] = line.split(' ');
      return [unit, { state, root: uid === '0', capabilities, noNewPrivileges, seccomp }];
    }),
  );
  // NET_ADMIN, NET_RAW and SYS_ADMIN are bits 12, 13 and 21; 2 is a filter of system calls.
  const limited = { state: 'active', noNewPrivileges: '1', seccomp: '2' };
  const unprivileged = { ...limited, root: false, capabilities: '0000000000000000' };
  expect(rights).toEqual({
    'fairway-console': unprivileged,
    'fairway-decider': unprivileged,
    'fairway-sentinel': unprivileged,
    'fairway-node': { ...limited, root: true, capabilities: '0000000000203000' },
  });
});

test('a published port answers, on the loopback too, and after all were started again', () => {
  expect(report('answer')).toEqual(['here', 'here', 'here']);
});

test('a doctor finds nothing, and could look at everything', () => {
  expect(report('doctor').map((text) => JSON.parse(text))).toEqual([
    expect.objectContaining({ findings: [], unable: [] }),
  ]);
});
