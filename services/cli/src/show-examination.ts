import type { NodeExamination } from '@fairway/mesh';

/** Of what was looked at so many are named; `--json` has all. */
const namedMax = 3;

/** What a node found, each with what it breaks and what mends it. */
export function showExamination({ node, looked, findings, unable }: NodeExamination): string {
  const about = looked.length > namedMax ? `${looked.length} things looked at` : looked.join(', ');
  const said = findings.length === 0 ? `${node}, ${about}: nothing found.` : `${node}, ${about}:`;
  const lines = findings.flatMap(({ kind, where, what, breaks, mend }) => [
    `  ${kind}, ${where}: ${what}`,
    `    breaks: ${breaks}`,
    `    mend: ${mend}`,
  ]);
  const unread = unable.map(({ where, why }) => `  not looked at, ${where}: ${why}`);
  return `${[said, ...lines, ...unread].join('\n')}\n`;
}
