import { Command, CommanderError } from 'commander';
import { askStatus, ConsoleUnreachable } from './ask-console.ts';
import { showStatus } from './show-status.ts';

/** Exit statuses: done or converged; not converged, or it could not be learned; wrong usage. */
const statuses = { done: 0, notConverged: 1, usage: 2 } as const;

const program = new Command('fairway')
  .description('Asks a Fairway mesh.')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .option('--console <url>', "the console's URL [$CONSOLE]", process.env.CONSOLE ?? 'http://127.0.0.1:8080');

program
  .command('status')
  .description('nodes, services, ports and endpoints, and what is waited for')
  .option('--json', 'the same for programs')
  .addHelpText('after', '\nExit status: 0 converged, 1 not converged or not known, 2 wrong usage.')
  .action(async ({ json }: { json?: true }) => {
    const view = await askStatus(program.opts<{ console: string }>().console);
    process.stdout.write(json ? `${JSON.stringify(view, undefined, 2)}\n` : showStatus(view, Date.now()));
    process.exitCode = view.converged ? statuses.done : statuses.notConverged;
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? statuses.done : statuses.usage;
  } else if (error instanceof ConsoleUnreachable) {
    process.stderr.write(`fairway: ${error.message}\n`);
    process.exitCode = statuses.notConverged;
  } else {
    throw error;
  }
}
