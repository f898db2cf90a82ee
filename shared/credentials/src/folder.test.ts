import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Credentials, type Identity } from '@fairway/bus';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AuthorityFailed, FolderBusy, FolderUnusable } from './failures.ts';
import { CredentialsFolder } from './folder.ts';

let parent: string;
let dir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'fairway-folder-'));
  dir = join(parent, 'credentials');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true });
});

const init = (users: readonly Identity[] = []) => {
  const serversOf = (folder: CredentialsFolder) =>
    ['s1', 's2'].map((name, n) => ({
      name,
      address: `10.0.0.${n + 1}`,
      clientPort: 4222,
      routePort: 6222,
      monitorPort: 8222,
      dir: folder.serverDir(name),
      store: join(parent, name),
    }));
  return CredentialsFolder.init(dir, serversOf, users);
};

/** All that is in the folder: what it is, its mode, and its text. */
async function everything(): Promise<{ path: string; mode: string; text: string }[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const mode = ((await stat(path)).mode & 0o777).toString(8);
      return { path, mode, text: entry.isFile() ? await readFile(path, 'utf8') : '' };
    }),
  );
}

test('folders are 0700 and files 0600, and no draft is left', async () => {
  const folder = await init();
  await folder.add({ name: 'n1', role: 'node' });
  expect(((await stat(dir)).mode & 0o777).toString(8)).toBe('700');
  const wrong = (await everything()).filter(({ mode, text }) => mode !== (text === '' ? '700' : '600'));
  expect(wrong).toEqual([]);
  expect((await everything()).map(({ path }) => path.slice(dir.length + 1)).sort()).toEqual([
    'authority',
    'authority/ca.crt',
    'authority/ca.key',
    'clients',
    'clients/n1.json',
    'registry.json',
    'servers',
    ...['s1', 's2'].flatMap((name) => [
      `servers/${name}`,
      ...['ca.crt', 'nats.conf', 'server.crt', 'server.key'].map((file) => `servers/${name}/${file}`),
    ]),
  ]);
  expect(await readdir(parent)).toEqual(['credentials']);
});

test("a server's certificate is for its own address, by the authority, which signs no other authority", async () => {
  await init();
  const read = async (file: string) => new X509Certificate(await readFile(join(dir, file)));
  const authority = await read('authority/ca.crt');
  const server = await read('servers/s2/server.crt');
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIP('10.0.0.2')).toBe('10.0.0.2');
  expect(server.checkIP('10.0.0.1')).toBeUndefined();
  expect([authority.ca, server.ca]).toEqual([true, false]);
  // A machine whose clock is hours behind takes them, too.
  for (const { validFrom } of [authority, server])
    expect(Date.parse(validFrom)).toBeLessThan(Date.now() - 23 * 3_600_000);
});

test("a key is in its owner's file alone: in no configuration, no registry, and no process's arguments", async () => {
  // What openssl is started with is written down by a program of its name before it.
  const recorder = join(parent, 'bin');
  const arguments_ = join(parent, 'arguments');
  const { stdout: real } = await promisify(execFile)('sh', ['-c', 'command -v openssl']);
  await promisify(execFile)('mkdir', [recorder]);
  await writeFile(join(recorder, 'openssl'), `#!/bin/sh\necho "$@" >>${arguments_}\nexec ${real.trim()} "$@"\n`, {
    mode: 0o755,
  });
  vi.stubEnv('PATH', `${recorder}${delimiter}${process.env.PATH}`);

  const folder = await init();
  await folder.add({ name: 'n1', role: 'node' });
  const first = Credentials.read(folder.clientFile('n1')).toFile();
  await folder.rotate('n1');
  await folder.renew();
  const second = Credentials.read(folder.clientFile('n1')).toFile();
  const seeds = [first, second].map((text) => (JSON.parse(text) as { seed: string }).seed);
  expect(new Set(seeds).size).toBe(2);
  const files = await everything();
  const keys = files.filter(({ path }) => path.endsWith('.key')).map(({ text }) => text.split('\n')[1] ?? '');
  expect(keys).toHaveLength(3);
  const started = await readFile(arguments_, 'utf8');
  expect(started.match(/^req /gm)).toHaveLength(5);
  for (const secret of [...seeds, ...keys]) {
    expect(started).not.toContain(secret);
    const holders = files.filter(({ text }) => text.includes(secret)).map(({ path }) => path.slice(dir.length + 1));
    // The first seed has been replaced.
    expect(holders.filter((path) => path !== 'clients/n1.json' && !path.endsWith('.key'))).toEqual([]);
  }
});

test('a promoted node keeps its key; a revoked one loses its file', async () => {
  const folder = await init();
  await folder.add({ name: 'n1', role: 'node' });
  const { publicKey } = Credentials.read(folder.clientFile('n1'));
  await folder.setNodeRole('n1', 'manager');
  expect(Credentials.read(folder.clientFile('n1'))).toMatchObject({ role: 'manager', publicKey });
  await folder.revoke('n1');
  expect((await folder.registry()).users).toEqual([]);
  expect(await readdir(join(dir, 'clients'))).toEqual([]);
  expect((await everything()).filter(({ text }) => text.includes(publicKey))).toEqual([]);
});

test('a folder that is there already, or is none, is refused and left as it is', async () => {
  await expect(new CredentialsFolder(dir).add({ name: 'n1', role: 'node' })).rejects.toThrow(FolderUnusable);
  const folder = await init();
  const before = await everything();
  await expect(init()).rejects.toThrow(FolderUnusable);
  expect(await everything()).toEqual(before);
  await writeFile(join(dir, 'registry.json'), '{"format":2}');
  await expect(folder.registry()).rejects.toThrow('registry.json does not fit');
});

test('what was spoilt is named, with what mends it', async () => {
  const folder = await init();
  await folder.add({ name: 'n1', role: 'node' });
  await writeFile(join(folder.serverDir('s1'), 'server.crt'), 'spoilt');
  await expect(folder.servers()).rejects.toThrow(
    'server.crt is no certificate; make all anew with fairway credentials renew',
  );
  await folder.renew();
  expect(await folder.servers()).toHaveLength(2);
  const before = await everything();
  await rename(join(dir, 'authority'), join(parent, 'authority'));
  await expect(folder.rotate('n1')).rejects.toThrow(/^FolderUnusable: .*ENOENT.*authority\/ca\.crt/);
  await rename(join(parent, 'authority'), join(dir, 'authority'));
  expect(await everything()).toEqual(before);
  await writeFile(join(dir, 'registry.json'), '{');
  await expect(folder.registry()).rejects.toThrow('registry.json does not fit; put back the one of before');
  await rm(join(dir, 'registry.json'));
  await expect(folder.registry()).rejects.toThrow(/^FolderUnusable: .*ENOENT.*registry\.json/);
});

test.each([
  ['has gone to it', (file: string) => rm(file)],
  ['is spoilt here', (file: string) => writeFile(file, 'SU spoilt')],
])('a node whose file %s is promoted, and keeps its newest key', async (_, happens) => {
  const folder = await init();
  await folder.add({ name: 'n1', role: 'node' });
  await folder.rotate('n1');
  const { publicKey } = Credentials.read(folder.clientFile('n1'));
  await happens(folder.clientFile('n1'));
  await folder.setNodeRole('n1', 'manager');
  await folder.finishRotation('n1');
  expect((await folder.registry()).users).toMatchObject([{ name: 'n1', role: 'manager', keys: [{ publicKey }] }]);
});

test('who may connect from the start is in it from the start; what a killed process had begun goes', async () => {
  const killed = `${dir}.4194304.abcdef`;
  const [running, another] = [`${dir}.${process.ppid}.abcdef`, `${dir}.old`];
  for (const made of [killed, running, another]) await mkdir(made);
  const folder = await init([{ name: 'decider', role: 'decider' }]);
  expect(Credentials.read(folder.clientFile('decider')).role).toBe('decider');
  expect((await folder.registry()).users).toMatchObject([{ name: 'decider', keys: [{}] }]);
  expect((await readdir(parent)).sort()).toEqual(
    ['credentials', ...[running, another].map((made) => basename(made))].sort(),
  );
});

test('where openssl is missing nothing is left behind', async () => {
  vi.stubEnv('PATH', parent);
  await expect(init()).rejects.toThrow(AuthorityFailed);
  expect(await readdir(parent)).toEqual([]);
});

test('two at once: one after the other, or refused; a lock of a killed one does not stay', async () => {
  const folder = await init();
  await writeFile(join(dir, 'lock'), `${process.ppid}`);
  await expect(folder.add({ name: 'n1', role: 'node' })).rejects.toThrow(FolderBusy);
  await writeFile(join(dir, 'lock'), '4194304');
  await folder.add({ name: 'n1', role: 'node' });
  const { users } = await folder.registry();
  expect(users.map(({ name }) => name)).toEqual(['n1']);
});

test('a revocation that was cut short is carried on by the next one', async () => {
  const folder = await init();
  await folder.add({ name: 'n1', role: 'node' });
  const handedOut = await readFile(folder.clientFile('n1'), 'utf8');
  await folder.revoke('n1');
  // As it is where the process ended before the servers were told: the registry is written first, the file goes last.
  await writeFile(folder.clientFile('n1'), handedOut);
  await writeFile(join(folder.serverDir('s1'), 'nats.conf'), 'of before');
  await folder.revoke('n1');
  expect(await readFile(join(folder.serverDir('s1'), 'nats.conf'), 'utf8')).not.toBe('of before');
  await expect(readFile(folder.clientFile('n1'))).rejects.toThrow('ENOENT');
  await expect(folder.revoke('n1')).rejects.toThrow('n1');
});
