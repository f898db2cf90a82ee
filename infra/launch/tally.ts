/** What a stage, or all of them, came to. A checker that fails is one failed. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part that is read of Vitest's JSON report (Vitest 5.1). */
interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

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
  };
  return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Tally of a checker: it has no tests to count. */
export function tallyCheck(status: number): Tally {
  return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/** Tally of a program, from the last line in which it says what its tests came to; one failure where it fails without. */
export function tallyPrinted(status: number, printed: string): Tally {
  const said = [...printed.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)];
  const [, passed, failed, skipped] = said.at(-1) ?? [];
  const tally = { passed: Number(passed ?? 0), failed: Number(failed ?? 0), skipped: Number(skipped ?? 0) };
  return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, { passed, failed, skipped }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** `12 passed, 0 failed`, and how many were skipped where any were. */
export function showTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
