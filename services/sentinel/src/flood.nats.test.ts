import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  beatMs,
  connectBus,
  keys,
  type Outlook,
  readOutlook,
  readThrottled,
  readVerdict,
  subjects,
  writeComplete,
  writeNode,
  writeSight,
} from '@fairway/bus';
import { flood } from '@fairway/bus/flood';
import { SpawnedServer } from '@fairway/bus/spawned-server';
import type { Verdict } from '@fairway/mesh';
import { expect, onTestFinished, test, vi } from 'vitest';
import { beatOf, nodeOf, probedOf } from './sample.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));
const becomes = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

test('one node floods with beats: it is named and keeps its traffic, and another that is lost is taken down all the same', async () => {
  const server = await SpawnedServer.start();
  onTestFinished(() => server.remove());
  const bus = await connectBus({ servers: server.url, name: 'nodes' });
  onTestFinished(() => bus.close());
  const epoch = await bus.provision();
  const [flooding, calm, lost] = ['n1', 'n2', 'n3'];
  const ids = [flooding, calm, lost];
  for (const id of ids) await bus.mesh.put(keys.node(id), writeNode(nodeOf(id, `boot-${id}`)), 0);
  await bus.mesh.put(keys.complete, writeComplete({ epoch, listing: 'l' }), 0);

  const gone = new Set<string>();
  const beat = (id: string) => beatOf(ids, id, `boot-${id}`, Math.floor(performance.now() * 1000));
  const beating = setInterval(() => {
    for (const id of ids) if (!gone.has(id)) bus.broadcast(beat(id));
  }, beatMs);
  onTestFinished(() => clearInterval(beating));
  for (const id of ids)
    bus.answer(subjects.ask(id, 'probe'), async (text) =>
      writeSight(gone.has(probedOf(ids, text)) ? 'silent' : 'reached'),
    );

  const verdicts: Verdict[] = [];
  const named = new Set<string>();
  let outlook: Outlook | undefined;
  bus.subscribe(subjects.verdict('*', '*'), (message) => void verdicts.push(readVerdict(message)));
  bus.subscribe(subjects.throttled('*'), (message) => void named.add(readThrottled(message).sender));
  bus.subscribe(subjects.outlook('*'), (message) => {
    outlook = readOutlook(message);
  });
  const sentinel = spawn(process.execPath, [program], {
    env: { ...process.env, FAIRWAY_NATS: server.url, FAIRWAY_NATS_CREDENTIALS: 'none' },
    stdio: 'ignore',
  });
  onTestFinished(() => void sentinel.kill('SIGKILL'));
  await becomes(() => expect(outlook).toMatchObject({ expected: 3, unheard: [] }));

  onTestFinished(flood(server.url, beat(flooding)));
  await becomes(() => expect(named).toEqual(new Set([flooding])));
  await becomes(() => expect(outlook).toMatchObject({ unheard: [flooding], blind: false }));
  gone.add(lost);
  await becomes(() => expect(verdicts.map(({ node }) => node)).toContain(lost));
  expect(new Set(verdicts.map(({ node }) => node))).toEqual(new Set([lost]));
});
