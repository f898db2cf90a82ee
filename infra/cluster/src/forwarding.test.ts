import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enableForwarding, type ForwardingFiles, restoreForwarding } from './forwarding.ts';

let dir: string;
let files: ForwardingFiles;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairway-forwarding-'));
  files = { sysctlDir: join(dir, 'ipv4'), runDir: join(dir, 'run') };
  mkdirSync(join(files.sysctlDir, 'conf/all'), { recursive: true });
  mkdirSync(files.runDir);
  set('ip_forward', '0');
  set('conf/all/accept_redirects', '0');
});

afterEach(() => rmSync(dir, { recursive: true }));

function set(setting: string, value: string): void {
  writeFileSync(join(files.sysctlDir, setting), `${value}\n`);
}

function get(setting: string): string {
  return readFileSync(join(files.sysctlDir, setting), 'utf8').trim();
}

test('both settings are put back, also by a run after the one that changed them', () => {
  enableForwarding(files);
  set('conf/all/accept_redirects', '1'); // as the kernel would
  enableForwarding(files);
  expect(get('ip_forward')).toBe('1');
  restoreForwarding(files);
  expect([get('ip_forward'), get('conf/all/accept_redirects')]).toEqual(['0', '0']);
  expect(readdirSync(files.runDir)).toEqual([]);
});

test('a machine that forwards anyway is left alone', () => {
  set('ip_forward', '1');
  enableForwarding(files);
  restoreForwarding(files);
  expect(get('ip_forward')).toBe('1');
});

test('the last cluster puts it back, not the first', () => {
  enableForwarding(files);
  mkdirSync(join(files.runDir, 'fairway-other'));
  writeFileSync(join(files.runDir, 'fairway-other/cluster.json'), '{}');
  restoreForwarding(files);
  expect(get('ip_forward')).toBe('1');
  rmSync(join(files.runDir, 'fairway-other'), { recursive: true });
  restoreForwarding(files);
  expect(get('ip_forward')).toBe('0');
});
