import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { CommandFailed, CommandHung, CommandMissing } from './failures.ts';
import { NftSession } from './nft-session.ts';
import { TimeLimit } from './time-limit.ts';

// Each session has a network namespace of its own.
let session: NftSession;
const open = (limitMs = 5_000) => new NftSession('unshare', ['--net', 'nft', '-i'], new TimeLimit(limitMs));
beforeEach(() => {
  session = open();
});
afterEach(() => session.close());

const port = (n: number) => `add element inet t ports { ${n} }`;

test('each line is one transaction: it takes effect whole, or not at all and says why', async () => {
  await session.run('add table inet t; add set inet t ports { type inet_service; }');
  await session.run(`${port(80)}; ${port(81)}`);
  const failure = await session.run(`${port(82)}; delete element inet t ports { 99 }`).catch((error) => error);
  expect(failure).toBeInstanceOf(CommandFailed);
  expect(failure.stderr).toMatch(/^Error: Could not process rule: No such file or directory\n/);
  expect(failure.stderr).not.toContain('done-');
  await session.run('delete element inet t ports { 80, 81 }');
  await expect(session.run('delete element inet t ports { 82 }')).rejects.toThrow(/No such file or directory/);
  expect(session.ended).toBe(false);
});

test('lines that are given at once are run one after the other, a large one among them', async () => {
  await session.run('add table inet t; add set inet t ports { type inet_service; }');
  const many = Array.from({ length: 5_000 }, (_, n) => port(10_000 + n)).join('; ');
  await Promise.all([
    session.run(many),
    session.run('delete element inet t ports { 14999 }'),
    session.run(port(14_999)),
  ]);
  await expect(session.run('delete element inet t ports { 9999 }')).rejects.toThrow(CommandFailed);
});

test('a line that nft does not take for a whole one is refused, and the next one is not', async () => {
  await expect(session.run('add table inet t; add set inet t s {')).rejects.toThrow(CommandFailed);
  await session.run('add table inet t');
});

test('one that ended says so, to the line that waits and to those after it', async () => {
  await session.run('add table inet t');
  const waiting = session.run('quit');
  await expect(waiting).rejects.toThrow(CommandFailed);
  expect(session.ended).toBe(true);
  await expect(session.run('add table inet t')).rejects.toThrow(CommandFailed);
});

test('one that hangs is ended', async () => {
  const hanging = new NftSession('sleep', ['60'], new TimeLimit(50));
  await expect(hanging.run('add table inet t')).rejects.toThrow(CommandHung);
  expect(hanging.ended).toBe(true);
});

test('a program that cannot be started is an error of the line', async () => {
  const none = new NftSession('no-such-program', [], new TimeLimit(5_000));
  await expect(none.run('add table inet t')).rejects.toThrow(CommandMissing);
  await expect(none.run('add table inet t')).rejects.toThrow(CommandMissing);
});

test('what it ran is written nowhere', async () => {
  const home = await mkdtemp(join(tmpdir(), 'home-'));
  onTestFinished(() => rm(home, { recursive: true }));
  vi.stubEnv('HOME', home);
  const one = open();
  vi.unstubAllEnvs();
  await one.run('add table inet t');
  await expect(one.run('quit')).rejects.toThrow(CommandFailed);
  expect(await readdir(home)).toEqual([]);
});

test('nft remembers what it ran, so a session wears out', async () => {
  await session.run('add table inet t');
  expect(session.worn).toBe(false);
  for (let line = 0; line < 5; line += 1) await session.run(`# ${'x'.repeat(250_000)}`);
  expect(session.worn).toBe(true);
  // Whoever holds it may still run what they have.
  await session.run('delete table inet t');
});

test('an idle one is no reason for the program to stay', async () => {
  await session.run('add table inet t');
  const held = process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap' || name === 'ProcessWrap');
  const other = open();
  await other.run('add table inet t');
  const now = process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap' || name === 'ProcessWrap');
  other.close();
  expect(now).toEqual(held);
});

test('one that does not end when it is closed is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'session-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'pid');
  const hanging = new NftSession('sh', ['-c', `echo $$ >${file}; exec sleep 60`], new TimeLimit(50));
  const pid = await vi.waitFor(async () => {
    const said = await readFile(file, 'utf8');
    expect(said).toMatch(/^\d+\n$/);
    return Number(said);
  });
  hanging.close();
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
});
