import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { attempt, programs, sourceFile } from '@fairway/cluster';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundle } from './bundle.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairway-bundle-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(dir, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Makes the bundle elsewhere than the source, and runs both. */
async function bothSay(main: string, ...args: string[]) {
  const made = join(dir, 'made/bundle.js');
  write('made/bundle.js', Buffer.from(await bundle(main)).toString());
  const [source, bundled] = await Promise.all([main, made].map((file) => attempt([process.execPath, file, ...args])));
  return { source, bundled };
}

test('a bundle finds what is beside its sources, and takes packages as Node does', async () => {
  write('package.json', '{"type":"module"}');
  write('beside.txt', 'beside the source');
  write('node_modules/old/package.json', '{"main":"main.js"}');
  write('node_modules/old/beside.txt', 'beside the package');
  write('node_modules/old/built.node', 'for another machine');
  write(
    'node_modules/old/main.js',
    `'use strict';
const fs = require('fs');
try { require('./built.node') } catch { exports.built = false }
exports.beside = () => fs.readFileSync(__dirname + '/beside.txt', 'utf8');`,
  );
  write(
    'node_modules/both/package.json',
    '{"type":"module","exports":{"module":"./bundler.js","default":"./node.js"}}',
  );
  write('node_modules/both/node.js', "export const taken = 'for Node';");
  write('node_modules/both/bundler.js', "export const taken = 'for bundlers';");
  write('failure.ts', 'export class Failure extends Error {}');
  write('other.ts', "import { Failure as Other } from './failure.ts';\nexport class Failure extends Other {}");
  const main = write(
    'main.ts',
    `import { readFileSync } from 'node:fs';
import { taken } from 'both';
import old from 'old';
import { Failure } from './failure.ts';
import { Failure as Other } from './other.ts';
const beside: string = readFileSync(new URL('./beside.txt', import.meta.url), 'utf8');
console.log(beside, old.beside(), old.built, taken, Failure.name, Other.name, await 1);`,
  );
  const { source, bundled } = await bothSay(main);
  expect(source?.stdout).toBe('beside the source beside the package false for Node Failure Failure 1\n');
  expect(bundled).toEqual(source);
});

test.each(programs)('%s says the same from its bundle', { timeout: 60_000 }, async (program) => {
  const { source, bundled } = await bothSay(sourceFile(program), '--unheard-of');
  expect(source?.stderr).toContain('--unheard-of');
  expect(source?.status).toBe(2);
  expect(bundled).toEqual(source);
});
