import { parseArgs } from 'node:util';

/** What is done in the lab. */
type Job = { kind: 'suite' } | { kind: 'shell' } | { kind: 'command'; command: string };

/** What `npm run lab` was asked for. */
export interface LabArguments {
  help: boolean;
  job: Job;
  /** The lab ends after this long, whatever goes on in it. */
  limitMs: number;
}

/** The command line does not make sense. */
export class ArgumentsInvalid extends Error {
  constructor(message: string, cause?: unknown) {
    super(`${message}\n\n${usage}`, { cause });
    this.name = 'ArgumentsInvalid';
  }
}

export const usage = `Usage: npm run lab -- [OPTIONS] ['COMMAND']

Boots Debian's kernel, which has IPVS, in an emulated machine that sees this one's files and can change none of them,
runs the lab's tests in it and exits with their status. Needs root.

  'COMMAND'         run COMMAND with bash at the project's folder instead, and exit with its status. What it writes
                    is gone afterwards, but for what it prints
  --shell           a shell there instead; leave it with exit or Ctrl-D
  --limit MINUTES   end after so long with status 124; 30 if not given, and a day for a shell
  --help            this text
`;

const defaultLimit = '30';

/** A day, and what setTimeout can count. */
const limitMinutesMax = 24 * 60;

/** Throws ArgumentsInvalid. */
export function parseArguments(args: readonly string[]): LabArguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new ArgumentsInvalid(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const { values, positionals } = parsed;
  const [command, stray] = positionals;
  if (stray !== undefined) {
    throw new ArgumentsInvalid(`One command is run: put it in quotes, so that "${stray}" is a part of it`);
  }
  if (command?.trim() === '') throw new ArgumentsInvalid('The command is an empty text');
  if (command !== undefined && values.shell) throw new ArgumentsInvalid('Either --shell or a command, not both');
  const limit = values.limit ?? (values.shell ? String(limitMinutesMax) : defaultLimit);
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > limitMinutesMax) {
    throw new ArgumentsInvalid(`--limit takes minutes from 1 to ${limitMinutesMax}, not "${limit}"`);
  }
  return {
    help: values.help,
    job: values.shell ? { kind: 'shell' } : command === undefined ? { kind: 'suite' } : { kind: 'command', command },
    limitMs: Number(limit) * 60_000,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      shell: { type: 'boolean', default: false },
      limit: { type: 'string' },
    },
  });
}
