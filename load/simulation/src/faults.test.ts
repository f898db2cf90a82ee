import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { patchOf, plantedFaults, project } from './find-faults.ts';

test.each(plantedFaults())('the planted fault %s fits the code', (fault) => {
  const { stderr } = spawnSync('git', ['apply', '--check', patchOf(fault)], { cwd: project, encoding: 'utf8' });
  expect(stderr).toBe('');
});
