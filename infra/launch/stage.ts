/** One step of `npm test`. */
export interface Stage {
  name: string;
  says: string;
  /** Whether it runs tests, rather than a checker that is one pass or one failure. */
  hasTests: boolean;
  /** Whether it needs root, and the programs that a cluster needs. */
  needsToolchain: boolean;
  /**
   * What runs it. Where the same inputs give the same answer it is turbo, which may answer from its cache; otherwise
   * Vitest, or a program of the project's, given with its arguments, which says itself what its tests came to.
   */
  runner: 'turbo' | 'vitest' | readonly string[];
}

const checker = { hasTests: false, needsToolchain: false, runner: 'turbo' } as const;
const real = { hasTests: true, needsToolchain: true, runner: 'vitest' } as const;

const chaos = 'load/chaos/src/main.ts';
/** What the swarm's own tests, whose bus is one server, do not try. */
const busLost = ['nats-killed', 'bus-majority-lost', 'bus-server-wiped', 'bus-wiped'];

/** In the order of running: what is quick to fail comes first. */
export const stages: readonly Stage[] = [
  { name: 'lint', says: 'format and lint, by biome', ...checker },
  { name: 'types', says: 'types, by tsc', ...checker },
  { name: 'unused', says: 'files, exports and dependencies that nobody uses, by knip', ...checker },
  {
    name: 'unit',
    says: 'tests without I/O beyond temporary files',
    hasTests: true,
    needsToolchain: false,
    runner: 'turbo',
  },
  {
    name: 'seeds',
    says: 'the whole controller on simulated time, from 1,000 seeds',
    hasTests: true,
    needsToolchain: false,
    runner: 'turbo',
  },
  { name: 'nats', says: 'a real nats-server', ...real },
  { name: 'kernel', says: 'real nftables and conntrack, in namespaces', ...real },
  { name: 'docker', says: 'a real dockerd', ...real },
  { name: 'swarm', says: 'a real swarm of three nodes, end to end', ...real },
  {
    name: 'chaos',
    says: 'a real swarm under traffic: the bus loses servers, then misfortunes at random from two seeds, a minute each',
    ...real,
    runner: [chaos, ...busLost, '--seed', '1', '--random', '--seeds', '1..2', '--minutes', '1'],
  },
  { name: 'lab', says: 'a kernel with IPVS, and a real swarm on it, emulated', ...real, runner: ['infra/lab/main.ts'] },
];

/** No stage has this name. */
export class StageUnknown extends Error {
  constructor(name: string) {
    super(`There is no stage "${name}". The stages are ${stages.map((stage) => stage.name).join(', ')}`);
    this.name = 'StageUnknown';
  }
}

/** The stages of these names in the order of running, or all when none is named. Throws StageUnknown. */
export function chooseStages(names: readonly string[]): readonly Stage[] {
  const unknown = names.find((name) => stages.every((stage) => stage.name !== name));
  if (unknown !== undefined) throw new StageUnknown(unknown);
  return names.length === 0 ? stages : stages.filter((stage) => names.includes(stage.name));
}
