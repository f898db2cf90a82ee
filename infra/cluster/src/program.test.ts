import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { programArgv, programs } from './program.ts';
import { projectDir } from './project.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const source = join(projectDir, 'services/node/src/main.ts');

test('a program is run from its source, without a step before', () => {
  vi.stubEnv('FAIRWAY_LAB_PROJECT', undefined);
  expect(programArgv('node').at(-1)).toBe(source);
});

test('the heap of each is bounded', () => {
  for (const program of programs) expect(programArgv(program)).toContain('--max-old-space-size=512');
});

test("in the lab it is run from the bundle, of the lab's own checkout only", () => {
  vi.stubEnv('FAIRWAY_LAB_PROJECT', projectDir);
  expect(programArgv('node').at(-1)).toBe(join(projectDir, '.tools/bundles/node.js'));
  vi.stubEnv('FAIRWAY_LAB_PROJECT', '/elsewhere');
  expect(programArgv('node').at(-1)).toBe(source);
});
