import { expect, test } from 'vitest';
import { showExamination } from './show-examination.ts';

const looked = ['programs', 'settings', 'addresses', 'clock'];

test('what was looked at is named where it is little, and counted where it is more', () => {
  const examined = { node: 'alpha', findings: [], unable: [] };
  expect(showExamination({ ...examined, looked: looked.slice(1) })).toBe(
    'alpha, settings, addresses, clock: nothing found.\n',
  );
  expect(showExamination({ ...examined, looked })).toBe('alpha, 4 things looked at: nothing found.\n');
});

test('each finding has what it breaks and what mends it, and what could not be looked at its reason', () => {
  const findings = [{ kind: 'wrong', where: 'host', what: 'it is off', breaks: 'all', mend: 'turn it on' }] as const;
  const unable = [{ where: 'clock', why: 'nobody knows' }];
  expect(showExamination({ node: 'alpha', looked, findings, unable })).toBe(`alpha, 4 things looked at:
  wrong, host: it is off
    breaks: all
    mend: turn it on
  not looked at, clock: nobody knows
`);
});
