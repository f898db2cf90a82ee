import { basename } from 'node:path';

/** What a stage, or all of them, came to. A checker that fails is one failed. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed: its name, and in the lines after it what was said of it. May be fewer than `failed`. */
  failures: readonly string[];
}

/** The part that is read of Vitest's JSON report (Vitest 5.1). */
interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: readonly {
    name: string;
    /** Why the file itself failed: it could not be loaded, or its set-up failed. */
    message?: string;
    assertionResults: readonly { fullName: string; status: string; failureMessages: readonly string[] }[];
  }[];
}

/** Of what is said of a failure so many lines are kept, so that a run's end tells of all of them on one screen. */
const FAILURE_LINES = 12;

/**
 * Tally of a stage with tests. A status other than 0 without a failed test is one failure: a file that could not be
 * loaded, a set-up that failed, or a runner that wrote no report at all.
 */
export function tallyTests(status: number, report: string | undefined): Tally {
  const counts = report === undefined ? undefined : (JSON.parse(report) as VitestReport);
  const tally = {
    passed: counts?.numPassedTests ?? 0,
    failed: counts?.numFailedTests ?? 0,
    skipped: (counts?.numPendingTests ?? 0) + (counts?.numTodoTests ?? 0),
    failures: counts === undefined ? [] : failuresOf(counts),
  };
  return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

function failuresOf({ testResults }: VitestReport): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const tests = failed.map(({ fullName, failureMessages }) =>
      shortly(`${basename(name)}: ${fullName}`, failureMessages),
    );
    return tests.length === 0 && message ? [shortly(basename(name), [message])] : tests;
  });
}

/** Without the lines of a stack that are the test runner's own. */
function shortly(name: string, said: readonly string[]): string {
  const lines = said.flatMap((one) => one.split('\n')).filter((line) => !/^\s+at .*node_modules/.test(line));
  return [name, ...lines.slice(0, FAILURE_LINES)].join('\n');
}

/** Tally of a checker: it has no tests to count. */
export function tallyCheck(status: number): Tally {
  return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0, failures: [] };
}

/**
 * Tally of a program, from the last line in which it says what its tests came to, and what it shows as failures; one
 * failure where it fails without.
 */
export function tallyPrinted(status: number, printed: string): Tally {
  const said = [...printed.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)];
  const [, passed, failed, skipped] = said.at(-1) ?? [];
  const tally = {
    passed: Number(passed ?? 0),
    failed: Number(failed ?? 0),
    skipped: Number(skipped ?? 0),
    failures: [...printed.matchAll(/^failed: (.*(?:\n {2}.*)*)/gm)].map(([, failure = '']) =>
      failure.replaceAll('\n  ', '\n'),
    ),
  };
  return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, { passed, failed, skipped, failures }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
      failures: [...total.failures, ...failures],
    }),
    { passed: 0, failed: 0, skipped: 0, failures: [] },
  );
}

/** `12 passed, 0 failed`, and how many were skipped where any were. */
export function showTally({ passed, failed, skipped }: Omit<Tally, 'failures'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Each failure again, so that nobody must look for it in what the tests printed: `failed: NAME` and indented lines. */
export function showFailures({ failures }: Pick<Tally, 'failures'>): string {
  return failures.map((failure) => `failed: ${failure.replaceAll('\n', '\n  ')}\n`).join('');
}
