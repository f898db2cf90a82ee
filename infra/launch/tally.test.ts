import { expect, test } from 'vitest';
import { chooseStages, StageUnknown } from './stage.ts';
import { showTally, sum, tallyCheck, tallyTests } from './tally.ts';

const report = JSON.stringify({ numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 0 });

test('tests count as the report says, checkers only when they fail', () => {
  const total = sum([tallyTests(1, report), tallyCheck(0), tallyCheck(1)]);
  expect(showTally(total)).toBe('5 passed, 3 failed, 1 skipped');
});

test('a stage that failed without a failed test is a failure all the same', () => {
  const allPassed = JSON.stringify({ numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 });
  expect(showTally(tallyTests(1, allPassed))).toBe('5 passed, 1 failed');
  expect(showTally(tallyTests(1, undefined))).toBe('0 passed, 1 failed');
});

test('stages run in their own order, and a wrong name is refused with the right ones', () => {
  expect(chooseStages(['unit', 'lint']).map((stage) => stage.name)).toEqual(['lint', 'unit']);
  expect(() => chooseStages(['e2e'])).toThrow(StageUnknown);
  expect(() => chooseStages(['e2e'])).toThrow('swarm');
});
