import type { NodeExamination } from '@fairway/mesh';
import { Command } from 'commander';
import pLimit from 'p-limit';
import { askExamination, ConsoleUnreachable } from './ask-console.ts';
import { printable } from './printable.ts';
import { readyNodes } from './ready-nodes.ts';
import { showExamination } from './show-examination.ts';
import { statuses } from './statuses.ts';

/** So many nodes are asked at a time; one takes 3 s where it finds something. */
const askedMax = 16;

const examinations = {
  audit: {
    description: "compares Docker's own mesh on the nodes with what it should be, and changes nothing",
    help: `
Each node compares Docker's iptables rules, IPVS services, virtual IPs and forwarding entries with what the managers say,
and tells what is missing, stale or wrong, what that breaks and what mends it. What it finds it looks at once more after
3 s, so that a change on its way is not told. It works where Fairway routes nothing, too: start node processes
with --observe.`,
  },
  doctor: {
    description: 'looks on the nodes for what keeps the mesh from working, and changes nothing',
    help: `
Each node looks at its programs, kernel and settings, at iptables legacy beside nft, at the MTU and the free addresses of its
overlays, at its ways to the tasks of other nodes and whether these answer, at wrong checksums, at its clock, and at the
bus's servers, and tells of each finding what it breaks and what mends it.`,
  },
} as const;

/**
 * `fairway audit` and `fairway doctor`: what a node finds as it looks, or each that is ready. A node that does not answer keeps
 * no other from being asked.
 * @param consoleUrl the consoles' URLs, known once the command runs
 */
export function examinationCommand(name: keyof typeof examinations, consoleUrl: () => string): Command {
  const { description, help } = examinations[name];
  return new Command(name)
    .argument('[node]', 'its name or id; each that is ready without it')
    .description(description)
    .option('--json', 'one JSON object a line for each node, for programs')
    .addHelpText(
      'after',
      `${help}

  fairway ${name}
  fairway ${name} node2

Exit status: 0 nothing found, 1 something found, or a node that could not be asked or could not look, 2 wrong usage.`,
    )
    .action(async (named: string | undefined, { json }: { json?: true }) => {
      const nodes = named === undefined ? await readyNodes(consoleUrl()) : [named];
      const asking = pLimit(askedMax);
      const answers = nodes.map((node) => asking(() => askExamination(consoleUrl(), name, node).catch(refusal)));
      for (const answer of answers) if (!tell(await answer, json ?? false)) process.exitCode = statuses.notConverged;
    });
}

function refusal(error: unknown): ConsoleUnreachable {
  if (error instanceof ConsoleUnreachable) return error;
  throw error;
}

/** Tells of one node; whether all is well there. */
function tell(answer: NodeExamination | ConsoleUnreachable, json: boolean): boolean {
  if (answer instanceof ConsoleUnreachable) {
    if (json) process.stdout.write(`${JSON.stringify({ error: answer.message })}\n`);
    process.stderr.write(printable(`fairway: ${answer.message}\n`));
    return false;
  }
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : printable(showExamination(answer)));
  return answer.findings.length === 0 && answer.unable.length === 0;
}
