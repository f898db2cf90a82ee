import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Diary } from '../bus-contract.ts';
import { connectBus } from './connect-bus.ts';
import { SpawnedServer } from './spawned-server.ts';

vi.setConfig({ testTimeout: 120_000 });
const becomes = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 20 });

/** Follows the mesh, and says each revision that it hears. */
const reader = `
  import { connectBus } from ${JSON.stringify(new URL('connect-bus.ts', import.meta.url).href)};
  const bus = await connectBus({ servers: process.argv[1], name: 'stopped' });
  bus.mesh.follow({ begin() {}, entry: ({ revision }) => console.log(revision), caughtUp() {} });
`;
/** As `fairway credentials` writes it (shared/credentials/src/server-config.ts). */
const maxPending = 8 * 1024 * 1024;
const entry = 'x'.repeat(100_000);
const writes = 400;

test('a reader whose process stands still keeps nobody from hearing, is cut off, and catches up once it goes on', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fairway-nats-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'conf'), `max_pending: ${maxPending}\n`);
  const server = await SpawnedServer.reserve(['-c', join(dir, 'conf')]);
  await server.start();
  onTestFinished(() => server.remove());
  const bus = await connectBus({ servers: server.url, name: 'writer' });
  const awake = await connectBus({ servers: server.url, name: 'awake' });
  onTestFinished(async () => void (await Promise.all([bus.close(), awake.close()])));
  await bus.provision();
  const diary = new Diary();
  awake.mesh.follow(diary);
  const child = spawn(process.execPath, ['--input-type=module', '-e', reader, server.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let heard = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    heard = Number(line);
  });
  let revision = await bus.mesh.lastRevision();
  await becomes(() => expect(heard).toBe(revision));

  child.kill('SIGSTOP');
  let held = 0;
  for (let n = 0; n < writes; n++) held = await bus.mesh.put('service.s', `${n} ${entry}`, held);
  revision = held;
  await becomes(() => expect(diary.revisions.at(-1)).toBe(revision));
  expect(heard).toBeLessThan(revision);
  await becomes(() => expect(server.output).toContain('Slow Consumer'));

  child.kill('SIGCONT');
  await becomes(() => expect(heard).toBe(revision));
});
