import { parseArgs } from 'node:util';
import { type BusForm, serversMost } from '@fairway/cluster';

/** What `npm run dev` was asked for. */
export interface DevArguments {
  help: boolean;
  /** Command to run once the cluster answers, instead of staying. */
  once?: string;
  /** No sample services. */
  bare: boolean;
  nodes: number;
  /** Whether Fairway is started, or Docker left to itself. */
  fairway: boolean;
  /** How many servers the bus has; left to the cluster where it is not said (busForm). */
  bus: BusForm | undefined;
}

/** The command line does not make sense. */
export class ArgumentsInvalid extends Error {
  constructor(message: string, cause?: unknown) {
    super(`${message}\n\n${usage}`, { cause });
    this.name = 'ArgumentsInvalid';
  }
}

export const usage = `Usage: npm run dev -- [OPTIONS]

Starts a real Docker swarm of several nodes on this machine, with Fairway on it and services "whoami" (published at
8000), "web" (at 8080) and "api" (on an overlay network with web), and stays until Ctrl-C, which removes every process,
namespace, mount and file it made. Needs root.

  --once 'COMMAND'  run COMMAND with bash where an outside client is, once the cluster answers; then remove the
                    cluster and exit with COMMAND's status. It finds, separated by spaces and in the same order, NODES
                    (addresses), NAMESPACES (for nsenter --net=/run/netns/NAME) and SOCKETS (Docker APIs); also
                    DOCKER_HOST (the manager's), CONSOLE (URLs), and \`fairway\` on the PATH
  --nodes N         number of nodes, 3 if not given; the first is the manager
  --bus FORM        cluster: three servers for the bus, one on each of the first three nodes, and two of each service;
                    single: one of each. If not given what FAIRWAY_BUS says, cluster without it, and single with
                    fewer than three nodes
  --bare            no sample services
  --without-fairway the swarm as Docker leaves it, to compare
  --help            this text
`;

/** Throws ArgumentsInvalid. */
export function parseArguments(args: readonly string[]): DevArguments {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(args).values;
  } catch (cause) {
    throw new ArgumentsInvalid(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!/^[1-9]\d{0,2}$/.test(values.nodes)) {
    throw new ArgumentsInvalid(`--nodes takes a number of nodes from 1 up, not "${values.nodes}"`);
  }
  const { bus } = values;
  if (bus !== undefined && bus !== 'cluster' && bus !== 'single') {
    throw new ArgumentsInvalid(`--bus takes cluster or single, not "${bus}"`);
  }
  if (bus === 'cluster' && Number(values.nodes) < serversMost) {
    throw new ArgumentsInvalid(`--bus cluster takes a node for each of ${serversMost} servers, not ${values.nodes}`);
  }
  if (values.once?.trim() === '') throw new ArgumentsInvalid('--once takes a command, not an empty text');
  return {
    help: values.help,
    bare: values.bare,
    nodes: Number(values.nodes),
    fairway: !values['without-fairway'],
    bus,
    ...(values.once === undefined ? {} : { once: values.once }),
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      once: { type: 'string' },
      bare: { type: 'boolean', default: false },
      nodes: { type: 'string', default: '3' },
      bus: { type: 'string' },
      'without-fairway': { type: 'boolean', default: false },
    },
  });
}
