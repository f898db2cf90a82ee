import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MeshEntries, SimulatedClock } from '@fairway/bus';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { logTo } from './executor-lab.ts';
import { MeshFile } from './mesh-file.ts';

const mesh: MeshEntries = { epoch: 'e1', revision: 9, entries: new Map([['service.web', 'text\nof it']]) };

let folder: string;
let path: string;
let said: string[];
let clock: SimulatedClock;
const open = (at = path) => new MeshFile(at, logTo(said), clock);
/** Lets the time pass in which changes are gathered, and waits for what it writes. */
async function written(file: MeshFile): Promise<void> {
  await clock.settle(Promise.resolve(), 1_000);
  await file.stop();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-mesh-file-'));
  path = join(folder, 'state', 'mesh');
  said = [];
  clock = new SimulatedClock();
});
afterEach(() => rm(folder, { recursive: true }));

test('what was saved is read, by a node of the same swarm', async () => {
  const file = open();
  file.save('swarm1', () => mesh);
  await written(file);
  expect(await open().read('swarm1')).toEqual(mesh);
  expect(said).toEqual([]);
  expect(await open().read('swarm2')).toBeUndefined();
  expect(said[0]).toContain('it is of swarm swarm1, this node is in swarm2');
});

test('a burst is written once, as it is at its end', async () => {
  const file = open();
  let asked = 0;
  for (let revision = 1; revision <= 50; revision++) {
    file.save('swarm1', () => {
      asked += 1;
      return { ...mesh, revision: 50 };
    });
  }
  await written(file);
  expect(asked).toBe(1);
  expect((await open().read('swarm1'))?.revision).toBe(50);
  expect(await readdir(join(folder, 'state'))).toEqual(['mesh']);
});

test('where there is none, none is read, and nothing is said', async () => {
  expect(await open().read('swarm1')).toBeUndefined();
  expect(said).toEqual([]);
});

test('a damaged one is not used, which is said with the reason', async () => {
  const file = open();
  file.save('swarm1', () => mesh);
  await written(file);
  await writeFile(path, (await readFile(path, 'utf8')).replace('of it', 'of 1t'));
  expect(await open().read('swarm1')).toBeUndefined();
  expect(said).toEqual([
    'the saved mesh is not used; the mesh is read from the bus: CacheUnusable: its checksum does not match: it is damaged or cut short',
  ]);
});

test('one that cannot be read is not used, which is said', async () => {
  expect(await open(folder).read('swarm1')).toBeUndefined();
  expect(said[0]).toContain('EISDIR');
});

test('a mesh that is not complete leaves the last one there', async () => {
  const file = open();
  file.save('swarm1', () => mesh);
  await clock.settle(Promise.resolve(), 1_000);
  file.save('swarm1', () => undefined);
  await written(file);
  expect(await open().read('swarm1')).toEqual(mesh);
});

test('a disk that takes nothing is said, leaves the last one there, and is tried again', async () => {
  const file = open();
  file.save('swarm1', () => mesh);
  await written(file);
  // As root every folder can be written to; what stands in the way of the new file does not depend on who asks.
  await mkdir(`${path}.new`);
  file.save('swarm1', () => ({ ...mesh, revision: 10 }));
  await written(file);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('could not be saved');
  expect(await open().read('swarm1')).toEqual(mesh);
  await rmdir(`${path}.new`);
  file.save('swarm1', () => ({ ...mesh, revision: 11 }));
  await written(file);
  expect((await open().read('swarm1'))?.revision).toBe(11);
});
