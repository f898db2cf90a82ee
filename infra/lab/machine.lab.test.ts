import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { attempt } from '@fairway/cluster';
import { describe, expect, test } from 'vitest';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/** The first run installs and unpacks what the others find. */
const limitMs = 240_000;

const lab = (...args: string[]) => attempt([process.execPath, main, '--limit', '3', ...args], { limitMs });

describe('the lab', { timeout: limitMs }, () => {
  test('runs a command on a kernel with IPVS, beside the files of this machine, and can change none', async () => {
    const mark = `/etc/fairway-lab-${process.pid}`;
    const asks = `uname -r; ipvsadm -ln | head -1; pwd; echo said, to stderr >&2; touch ${mark} && ls ${mark}; exit 7`;
    const { status, stdout, stderr } = await lab(asks);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^6\.1\.0-\d+-amd64$/),
      expect.stringContaining('IP Virtual Server'),
      process.cwd(),
      mark,
      '',
    ]);
    expect(stderr).toContain('said, to stderr\n');
    expect(status).toBe(7);
    expect(existsSync(mark)).toBe(false);
  });

  test('gives a shell, and exits with its status', async () => {
    const child = spawn(process.execPath, [main, '--shell'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const said = text(child.stdout);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // A shell that begins throws away what was typed before.
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdin.write('echo "on $(uname -r), at $(tty)"; exit 5\n');
    expect(await ended).toBe(5);
    expect(await said).toMatch(/^on 6\.1\.0-\d+-amd64, at \/dev\/hvc0\r?$/m);
  });

  test('tells a panic by the last lines of the kernel', async () => {
    const { status, stderr } = await lab('echo c >/proc/sysrq-trigger; sleep infinity');
    expect(stderr).toContain("The lab's machine ended before its job");
    expect(stderr).toContain('Kernel panic - not syncing: sysrq triggered crash');
    expect(status).toBe(1);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)('is ended by %s, and its machine with it', async (signal, status) => {
    const child = spawn(process.execPath, [main, 'echo begun; sleep infinity'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const machine = (await attempt(['pgrep', '-P', String(child.pid), 'qemu'])).stdout.trim();
    expect(machine).toMatch(/^\d+$/);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    expect(await ended).toBe(status);
    await expect.poll(() => existsSync(`/proc/${machine}`), { timeout: 10_000 }).toBe(false);
  });
});
