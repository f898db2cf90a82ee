import { expect, test } from 'vitest';
import { chooseStages, StageUnknown } from './stage.ts';
import { showFailures, showTally, sum, tallyCheck, tallyPrinted, tallyTests } from './tally.ts';

const report = JSON.stringify({
  ...{ numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 0 },
  testResults: [
    {
      name: '/project/bus/store.test.ts',
      assertionResults: [
        { fullName: 'a bus keeps', status: 'passed', failureMessages: [] },
        { fullName: 'a bus forgets', status: 'failed', failureMessages: ['expected 1\nto be 2'] },
      ],
    },
    { name: '/project/bus/broken.test.ts', message: 'it cannot be loaded', assertionResults: [] },
    { name: '/project/bus/fine.test.ts', message: '', assertionResults: [] },
  ],
});

test('tests count as the report says, checkers only when they fail', () => {
  const total = sum([tallyTests(1, report), tallyCheck(0), tallyCheck(1)]);
  expect(showTally(total)).toBe('5 passed, 3 failed, 1 skipped');
});

test('a stage that failed without a failed test is a failure all the same', () => {
  const allPassed = JSON.stringify({
    numPassedTests: 5,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  });
  expect(showTally(tallyTests(1, allPassed))).toBe('5 passed, 1 failed');
  expect(showTally(tallyTests(1, undefined))).toBe('0 passed, 1 failed');
});

test('a program counts as it says itself, and as a failure where it says nothing', () => {
  const tally = tallyPrinted(1, `a line\n${showTally({ passed: 7, failed: 2, skipped: 1 })}\n`);
  expect(tally).toEqual({ passed: 7, failed: 2, skipped: 1, failures: [] });
  expect(tallyPrinted(0, '7 passed, 0 failed\n')).toEqual({ passed: 7, failed: 0, skipped: 0, failures: [] });
  expect(tallyPrinted(124, '')).toEqual({ passed: 0, failed: 1, skipped: 0, failures: [] });
});

test('what failed is told by its name and what was said of it, also through a program that ran the tests', () => {
  const { failures } = tallyTests(1, report);
  expect(failures).toEqual([
    'store.test.ts: a bus forgets\nexpected 1\nto be 2',
    'broken.test.ts\nit cannot be loaded',
  ]);
  const shown = showFailures({ failures });
  expect(shown).toBe(
    'failed: store.test.ts: a bus forgets\n  expected 1\n  to be 2\nfailed: broken.test.ts\n  it cannot be loaded\n',
  );
  expect(tallyPrinted(1, `a line\n${shown}0 passed, 1 failed\n`).failures).toEqual(failures);
});

test('stages run in their own order, and a wrong name is refused with the right ones', () => {
  expect(chooseStages(['unit', 'lint']).map((stage) => stage.name)).toEqual(['lint', 'unit']);
  expect(() => chooseStages(['e2e'])).toThrow(StageUnknown);
  expect(() => chooseStages(['e2e'])).toThrow('swarm');
});
