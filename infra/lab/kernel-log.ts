/** How much of a log is kept for `tellingLines`. */
export const keptLines = 200;

const shownLines = 25;

/**
 * What of a kernel's last lines tells why it ended: those up to a panic's, or the last ones. What follows the panic's
 * own line is its trace.
 */
export function tellingLines(log: readonly string[]): string[] {
  const panic = log.findIndex((line) => line.includes('Kernel panic'));
  const end = panic < 0 ? log.length : panic + 1;
  return log.slice(Math.max(0, end - shownLines), end);
}
