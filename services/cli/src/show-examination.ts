import type { NodeExamination } from '@fairway/mesh';

/** What a node found, each with what it breaks and what mends it. */
export function showExamination({ node, looked, findings, unable }: NodeExamination): string {
  const what = `${node}, ${looked.join(', ')}`;
  const said = findings.length === 0 ? `${what}: nothing found.` : `${what}:`;
  const lines = findings.flatMap(({ kind, where, what, breaks, mend }) => [
    `  ${kind}, ${where}: ${what}`,
    `    breaks: ${breaks}`,
    `    mend: ${mend}`,
  ]);
  const unread = unable.map(({ where, why }) => `  not looked at, ${where}: ${why}`);
  return `${[said, ...lines, ...unread].join('\n')}\n`;
}
