import { once } from 'node:events';
import { parseAsked } from '@fairway/mesh';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { askEvents, askExplanation, askHandover, askRules, askStatus, ConsoleUnreachable } from './ask-console.ts';
import { credentialsCommand } from './credentials-command.ts';
import { examinationCommand } from './examination-commands.ts';
import { printable } from './printable.ts';
import { readyNodes } from './ready-nodes.ts';
import { showEvent } from './show-event.ts';
import { showExplanation } from './show-explanation.ts';
import { showRules } from './show-rules.ts';
import { showStatus } from './show-status.ts';
import { statuses } from './statuses.ts';
import { waitForService } from './wait-for-service.ts';

// A reader that has had enough, as `head` has, is no failure. What the command came to stays its exit status.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

let forPrograms = false;

const program = new Command('fairway')
  .description('Asks a Fairway mesh.')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .hook('preAction', (_, command) => {
    forPrograms = command.opts<{ json?: true }>().json ?? false;
  })
  .option(
    '--console <url,...>',
    "the console's URL, or several consoles'; the first that answers is asked [$CONSOLE]",
    process.env.CONSOLE || 'http://127.0.0.1:8080',
  );

program
  .command('status')
  .description('nodes, services, ports and endpoints, and what is waited for')
  .option('--json', 'the same for programs')
  .addHelpText('after', '\nExit status: 0 converged, 1 not converged or not known, 2 wrong usage.')
  .action(async ({ json }: { json?: true }) => {
    const view = await askStatus(program.opts<{ console: string }>().console);
    process.stdout.write(json ? `${JSON.stringify(view, undefined, 2)}\n` : printable(showStatus(view, Date.now())));
    process.exitCode = view.converged ? statuses.done : statuses.notConverged;
  });

const secondsStandard = 60;

program
  .command('wait')
  .description('waits until every ready node has a service with all its tasks')
  .requiredOption('--service <name>', 'the service; one that is not there yet is waited for too')
  .option('--timeout <seconds>', 'how long to wait', seconds, secondsStandard)
  .option('--steady <seconds>', 'for how long nothing of it may have changed', seconds, 1)
  .option('--json', 'what it came to, for programs')
  .addHelpText(
    'after',
    `
What is waited for is told on stderr whenever it changes.

A service counts once Docker has ended its update, the mesh has all that a manager's Docker has of it, and nothing of it has
changed in either for the --steady time: Swarm begins an update a moment after it was told of it, longer where its leader
has much to do. What Docker begins later than that is not waited for. Docker ends an update when its tasks have run for
the --update-monitor time, 5 s unless told otherwise. One that failed and is paused is waited for; one that was rolled
back is told, and counts.

  docker service update --detach --image web:2 web && fairway wait --service web --timeout 120

Exit status: 0 every ready node has it, 1 not in time, 2 wrong usage.`,
  )
  .action(async ({ service, timeout, steady, json }: WaitOptions) => {
    const { waitingFor, waitedMs, revision, rolledBack } = await waitForService({
      consoleUrl: program.opts<{ console: string }>().console,
      service,
      limitMs: timeout * 1000,
      steadyMs: steady * 1000,
      onProgress: (awaited) => process.stderr.write(printable(`waiting for ${awaited.join('; ')}\n`)),
    });
    const everywhere = waitingFor.length === 0;
    if (json) {
      process.stdout.write(
        `${JSON.stringify({ service, everywhere, rolledBack, revision, waitedMs, waitingFor }, undefined, 2)}\n`,
      );
    } else if (everywhere) {
      const as = rolledBack ? ' as it was before its last update, which was rolled back' : '';
      process.stdout.write(`Every ready node has ${service}${as}, at revision ${revision}.\n`);
    } else {
      process.stderr.write(
        printable(`fairway: after ${timeout} s ${service} still waits for ${waitingFor.join('; ')}\n`),
      );
    }
    process.exitCode = everywhere ? statuses.done : statuses.notConverged;
  });

type WaitOptions = {
  readonly service: string;
  readonly timeout: number;
  readonly steady: number;
  readonly json?: true;
};

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It has to be seconds.');
  return value;
}

program
  .command('rules')
  .argument('<node>', 'its name or id')
  .description("what is in a node's kernel now: Fairway's table on the host and in each sandbox")
  .option('--json', 'the same for programs')
  .addHelpText(
    'after',
    `
Each table is as \`nft list table inet fairway\` prints it there; the node is asked when this runs.

  fairway rules node2 | grep '8000 \\.'

Exit status: 0 told, 1 no such node, no answer from it, or a table that it could not read, 2 wrong usage.`,
  )
  .action(async (node: string, { json }: { json?: true }) => {
    const rules = await askRules(program.opts<{ console: string }>().console, node);
    process.stdout.write(json ? `${JSON.stringify(rules, undefined, 2)}\n` : printable(showRules(rules)));
    const told = rules.tables.every(({ failure }) => failure === undefined);
    process.exitCode = told ? statuses.done : statuses.notConverged;
  });

program
  .command('explain')
  .argument('<node:target>', "the node's name or id, and a published port or a virtual IP", nodeAndTarget)
  .description('where a node leads a port or a virtual IP, why, and what of it is in its kernel')
  .option('--json', 'the same for programs')
  .addHelpText(
    'after',
    `
The node is asked when this runs. PLANNED is what its last plan sends new connections to, IN THE KERNEL what its kernel
does. The events are those that changed the service, each with the first digits of its trace id.

  fairway explain node2:8000
  fairway explain node2:53/udp
  fairway explain node2:10.0.1.5

Exit status: 0 served, 1 not served, refused for want of a task, not in its kernel, or no answer, 2 wrong usage.`,
  )
  .action(async ({ node, target }: NodeAndTarget, { json }: { json?: true }) => {
    const explanation = await askExplanation(program.opts<{ console: string }>().console, node, target);
    const shown = json
      ? `${JSON.stringify(explanation, undefined, 2)}\n`
      : printable(showExplanation(explanation, Date.now()));
    process.stdout.write(shown);
    const { unserved, backends, kernel } = explanation;
    const served = unserved === undefined && backends.some(({ planned }) => planned);
    const missing = kernel.some(({ held }) => held === false);
    process.exitCode = served && !missing ? statuses.done : statuses.notConverged;
  });

type NodeAndTarget = { readonly node: string; readonly target: string };

function nodeAndTarget(text: string): NodeAndTarget {
  const at = text.indexOf(':');
  const [node, target] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || !parseAsked(target))
    throw new InvalidArgumentError('It has to be NODE:PORT, NODE:PORT/udp or NODE:VIP.');
  return { node, target };
}

program
  .command('events')
  .description('what passes on the bus: facts, changes of the mesh, outcomes')
  .option('--follow', 'go on with what comes')
  .option('--json', 'one JSON object a line, for programs')
  .addHelpText(
    'after',
    `
Without --follow the last 1,000 since the console was started. Times are of the clock of the node that speaks, in UTC.
Who reads too slowly misses some, and is told how many.

  fairway events --follow | grep whoami

Exit status: 0 told, 1 no answer, or the console went away while following, 2 wrong usage.`,
  )
  .action(async ({ follow, json }: { follow?: true; json?: true }) => {
    const { console: consoleUrl } = program.opts<{ console: string }>();
    for await (const line of askEvents(consoleUrl, follow ?? false)) {
      // A reader that does not keep up is waited for, and the console hears it.
      const taken = process.stdout.write(json ? `${JSON.stringify(line)}\n` : printable(showEvent(line)));
      if (!taken) await once(process.stdout, 'drain');
    }
    if (follow) throw new ConsoleUnreachable('the console ended the events; it was stopped');
  });

for (const [request, description, did] of [
  ['uninstall', "takes Fairway's rules off a node, so that Docker's own mesh serves there", 'is left to Docker'],
  ['install', 'brings them back after uninstall', 'is served by Fairway again'],
] as const) {
  program
    .command(request)
    .argument('[node]', 'its name or id')
    .option('--all', 'every node that is ready')
    .description(description)
    .option('--json', 'what became of each node, for programs')
    .addHelpText(
      'after',
      `
A node stays as it is told when its node process or the machine is started again. Docker's own mesh serves where the
kernel has IPVS; elsewhere nothing answers after uninstall.

  fairway ${request} node2
  fairway ${request} --all

Exit status: 0 done, 1 a node could not be told or could not do it, 2 wrong usage.`,
    )
    .action(async (node: string | undefined, { all, json }: { all?: true; json?: true }, command: Command) => {
      if ((node === undefined) === (all === undefined)) command.error('error: name one node, or --all');
      const consoleUrl = program.opts<{ console: string }>().console;
      const told = all ? await readyNodes(consoleUrl) : [node as string];
      // One after the other: what goes wrong on the first should not have happened on all.
      for (const one of told) {
        const done = await askHandover(consoleUrl, request, one);
        process.stdout.write(json ? `${JSON.stringify(done)}\n` : printable(`${done.node} ${did}.\n`));
      }
    });
}

for (const name of ['audit', 'doctor'] as const) {
  program.addCommand(inherits(examinationCommand(name, () => program.opts<{ console: string }>().console)));
}
program.addCommand(inherits(credentialsCommand()));

/** What is made elsewhere ends, and shows its help, as the rest. */
function inherits(command: Command): Command {
  command.copyInheritedSettings(program);
  for (const inner of command.commands) inherits(inner);
  return command;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? statuses.done : statuses.usage;
  } else if (error instanceof ConsoleUnreachable || (await isCredentialsFailure(error))) {
    const { message } = error as Error;
    if (forPrograms) process.stdout.write(`${JSON.stringify({ error: message })}\n`);
    process.stderr.write(printable(`fairway: ${message}\n`));
    process.exitCode = statuses.notConverged;
  } else {
    throw error;
  }
}

async function isCredentialsFailure(error: unknown): Promise<boolean> {
  if (!(error instanceof Error)) return false;
  const { CredentialsFailure } = await import('@fairway/credentials');
  return error instanceof CredentialsFailure;
}
