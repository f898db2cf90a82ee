import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SavedOwn, SimulatedClock } from '@fairway/bus';
import type { Log } from '@fairway/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OwnFile } from './own-file.ts';

const own: SavedOwn = {
  node: 'n1',
  swarm: 's1',
  incarnation: { boot: 'boot1', daemon: 'd1' },
  namespace: '4026532000@1',
  gateway: { family: 'ip', text: '172.18.0.2' },
  sandbox: { family: 'ip', text: '10.0.0.2' },
  containers: new Map([['t1', { state: 'dead', tick: 7 }]]),
};

let folder: string;
let path: string;
let said: string[];
let clock: SimulatedClock;
const log: Log = {
  debug() {},
  info() {},
  warn: (message, fields) => void said.push(`${message}: ${fields?.reason}`),
  error() {},
  with: () => log,
};
const open = (boot = 'boot1', namespace = own.namespace) =>
  new OwnFile({ path, boot, namespace: async () => namespace, log, clock });
async function save(...all: (SavedOwn | undefined)[]): Promise<void> {
  const file = open();
  for (const each of all) {
    file.save(() => each);
    await clock.settle(Promise.resolve(), 1_000);
  }
  await file.stop();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-own-file-'));
  path = join(folder, 'own');
  said = [];
  clock = new SimulatedClock();
});
afterEach(() => rm(folder, { recursive: true }));

test('what was saved is read in the same boot while the sandbox is the same, and else not', async () => {
  await save(own);
  expect(await open().read()).toEqual(own);
  expect(await open('boot2').read()).toBeUndefined();
  expect(await open('boot1', '4026532000@2').read()).toBeUndefined();
  const gone = new OwnFile({ path, boot: 'boot1', namespace: async () => undefined, log, clock });
  expect(await gone.read()).toBeUndefined();
  gone.save(() => own);
  await clock.settle(Promise.resolve(), 1_000);
  // Saved without a sandbox, and read without one.
  expect(await gone.read()).toBeUndefined();
  await gone.stop();
  const { swarm: _, gateway: __, sandbox: ___, ...less } = own;
  await save(less);
  expect(await open().read()).toEqual(less);
  expect(said).toEqual([]);
});

test('of a machine that has left its swarm nothing is read', async () => {
  await save(own, undefined);
  expect(await open().read()).toBeUndefined();
  expect(said).toEqual([]);
});

test('a damaged one, or one of another release, is not used, which is said', async () => {
  expect(await open().read()).toBeUndefined();
  expect(said).toEqual([]);
  await save(own);
  const text = await readFile(path, 'utf8');
  for (const damaged of [
    text.slice(0, -20),
    text.replace('"dead"', '"undead"'),
    text.replace('"schema":1', '"schema":2'),
  ]) {
    await writeFile(path, damaged);
    expect(await open().read()).toBeUndefined();
  }
  expect(said).toHaveLength(3);
  expect(said.at(-1)).toContain('version 2 is none that this release reads');
});

test('where it cannot be written the reason is said', async () => {
  await rm(folder, { recursive: true });
  await writeFile(folder, 'in the way');
  await save(own);
  expect(said).toEqual([expect.stringMatching('^what this node knows of itself could not be saved')]);
});
