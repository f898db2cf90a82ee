import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Credentials, CredentialsUnusable } from './credentials.ts';

const seed = `SU${'A'.repeat(56)}`;
const authority = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const credentials = new Credentials({ name: 'n1', role: 'node' }, seed, authority);

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairway-credentials-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('a file is read back as it was written', async () => {
  const file = join(dir, 'n1.json');
  await writeFile(file, credentials.toFile());
  const read = Credentials.read(file);
  expect(read).toMatchObject({ name: 'n1', role: 'node', authority });
  expect(read.toFile()).toBe(credentials.toFile());
});

test('nothing that shows them shows the key', () => {
  expect(`${inspect(credentials, { showHidden: true, depth: 9 })} ${JSON.stringify(credentials)}`).not.toContain(
    'SUAA',
  );
});

test.each([
  ['no file', undefined, 'cannot be read (ENOENT)'],
  ['a seed alone', seed, 'it is not JSON'],
  ['JSON cut short', credentials.toFile().slice(0, 90), 'it is not JSON'],
  ['a seed of another form', credentials.toFile().replace(seed, `${seed}x`), 'these do not fit: seed'],
  ['an unknown role', credentials.toFile().replace('"node"', `"${seed}"`), 'these do not fit: role'],
])('%s is refused with the reason, and without what stands in it', async (_, text, why) => {
  const file = join(dir, 'bad.json');
  if (text !== undefined) await writeFile(file, text);
  const refusal = (() => {
    try {
      return Credentials.read(file);
    } catch (error) {
      return error;
    }
  })();
  expect(refusal).toBeInstanceOf(CredentialsUnusable);
  expect(String(refusal)).toContain(why);
  expect(inspect(refusal, { showHidden: true, depth: 9 })).not.toContain('SUAA');
});
