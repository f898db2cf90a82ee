import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClusterNameInvalid, type ClusterPlace, placeOf } from './place.ts';
import { ClusterAbsent, ClusterRunning, claim, ownerOf, readState, updateState } from './state.ts';

let dir: string;
let place: ClusterPlace;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairway-state-'));
  place = { ...placeOf('test'), runDir: join(dir, 'run'), stateFile: join(dir, 'run', 'cluster.json') };
});

afterEach(() => rmSync(dir, { recursive: true }));

test('one process has a cluster at a time, and is named to the second', () => {
  claim(place, true);
  expect(ownerOf(place)?.pid).toBe(process.pid);
  expect(() => claim(place, true)).toThrow(ClusterRunning);
  expect(() => claim(place, true)).toThrow(`kill ${process.pid}`);
});

test('what a dead process left has no owner', () => {
  claim(place, true);
  updateState(place, (state) => {
    state.owner.startTicks -= 1;
  });
  expect(ownerOf(place)).toBeUndefined();
});

test('a state file cut short has no owner, and cannot be attached to', () => {
  claim(place, true);
  writeFileSync(place.stateFile, '{"name": "te');
  expect(ownerOf(place)).toBeUndefined();
  expect(() => readState(place)).toThrow(ClusterAbsent);
});

test.each(['', 'Dev', 'dev-2', '../x', 'averylongnameindeed'])('"%s" names no cluster', (name) => {
  expect(() => placeOf(name)).toThrow(ClusterNameInvalid);
});
