import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import type { Mesh } from './stage.ts';

/** What `npm run chaos` was asked for. */
export type ChaosArguments = {
  readonly help: boolean;
  readonly list: boolean;
  /** What carries the requests, one after the other, each on a swarm of its own. */
  readonly meshes: readonly Mesh[];
  /** Whether requests may be bad only where the scenario says so. */
  readonly isJudged: boolean;
  /** In the order in which they are played. */
  readonly played: readonly Scenario[];
  /** One run at random from each of these seeds, after them. */
  readonly random: readonly number[];
  readonly seed: number;
  readonly minutes: number;
  readonly results: string | undefined;
};

/** The command line does not make sense. */
export class ArgumentsInvalid extends Error {
  override readonly name = 'ArgumentsInvalid';
}

const width = Math.max(...scenarios.map(({ name }) => name.length));

const listingOf = (some: readonly Scenario[]) =>
  some.map(({ name, says }) => `  ${name.padEnd(width)}  ${says}\n`).join('');

export const listing = listingOf(scenarios);

export const usage = `Usage: npm run chaos -- [NAME...] [--docker | --compare | --random [--seeds A..B] [--minutes M]] [OPTIONS]

Makes a real swarm of three nodes with Fairway on it, asks a service by every node 50 times a second, lets things go wrong,
and judges the requests meanwhile: none may be bad (without an answer, or with one after 3 s, as one whose first packet was
lost twice) for longer than the scenario says; those by a node that is itself away are told, until Docker's overlay has it
again. After each, Docker, Fairway and every node's rules have to be as they should be. All scenarios, or those named, or
--random, after those named. Ends with status 0 where all is well, 1 where not, 2 for wrong arguments. Needs root.

  --docker      Docker's own mesh without Fairway, to compare: the scenarios that it has too, told and not judged. It
                takes a kernel with IPVS, as npm run lab has
  --compare     the same, then again with Fairway, and both side by side in one table
  --random      scenarios as chance has them, some together with a change of a service; a failure ends the run
  --seeds A..B  one such run from each of these seeds, on the same swarm; 1 unless told
  --minutes M   how long each of them takes at least, 1 unless told
  --seed N      what nodes, processes, times and directions the named scenarios choose by; drawn, and printed, unless told
  --results F   writes a table of all that was played to a file, after each run; of runs at random by seed and by scenario
  --list        tells all scenarios
`;

/** Reads the command line. @throws {ArgumentsInvalid} */
export function parseArguments(args: readonly string[]): ChaosArguments {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (cause) {
    throw new ArgumentsInvalid(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const { values, positionals } = given;
  const hasDocker = values.docker || values.compare;
  const known = hasDocker ? scenarios.filter((scenario) => scenario.of === 'swarm') : scenarios;
  const named = positionals.map((name) => {
    const found = known.find((scenario) => scenario.name === name);
    if (!found) throw new ArgumentsInvalid(`there is no scenario "${name}"; there are\n${listingOf(known)}`);
    return found;
  });
  if (values.random && hasDocker) throw new ArgumentsInvalid('--random judges, and --docker and --compare do not');
  if (values.docker && values.compare) throw new ArgumentsInvalid('--compare has --docker in it');
  if (!values.random && (values.seeds !== undefined || values.minutes !== undefined))
    throw new ArgumentsInvalid('--seeds and --minutes are for --random');
  const [, first = '1', last = first] = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds ?? '1') ?? [undefined, '', ''];
  const seeds = Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => Number(first) + n);
  if (first === '' || seeds.length === 0) throw new ArgumentsInvalid('--seeds is a number, or two: 1..20');
  const minutes = Number(values.minutes ?? 1);
  if (!(minutes > 0)) throw new ArgumentsInvalid('--minutes is a number above 0');
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  if (!Number.isInteger(seed) || seed < 0) throw new ArgumentsInvalid('--seed is a whole number');
  return {
    help: values.help,
    list: values.list,
    isJudged: !hasDocker,
    meshes: [...(hasDocker ? (['docker'] as const) : []), ...(values.docker ? [] : (['fairway'] as const))],
    played: named.length > 0 || values.random ? named : known,
    random: values.random ? seeds : [],
    seed,
    minutes,
    results: values.results,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      list: { type: 'boolean', default: false },
      docker: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      random: { type: 'boolean', default: false },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      results: { type: 'string' },
    },
  });
}
