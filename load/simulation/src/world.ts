import { chanceFrom, createMemoryBus, every, type MemoryBus, SimulatedClock } from '@fairway/bus';
import { createKernelStandIn } from '@fairway/executor';
import { Invariants } from './invariants/invariants.ts';
import { ConsoleProcess, DeciderProcess, NodeProcess, type Process, SentinelProcess } from './processes/process.ts';
import type { Replicated, Shape } from './story/story.ts';
import { Latency } from './swarm/latency.ts';
import { Machine } from './swarm/machine.ts';
import { Paths } from './swarm/paths.ts';
import { Swarm } from './swarm/swarm.ts';
import { witness } from './witness.ts';

const lookEveryMs = 1_000;

const replicas = { decider: DeciderProcess, sentinel: SentinelProcess, console: ConsoleProcess } as const;

/** A line of what happened: when, to whom, what. */
export type Line = { readonly atMs: number; readonly who: string; readonly what: string };

/** The whole of it: a swarm, its machines, the bus, and Fairway's processes, on one clock and one source of chance. */
export type World = {
  readonly clock: SimulatedClock;
  readonly latency: Latency;
  readonly bus: MemoryBus;
  readonly swarm: Swarm;
  readonly machines: readonly Machine[];
  readonly nodes: readonly NodeProcess[];
  readonly consoles: readonly ConsoleProcess[];
  readonly sentinels: readonly SentinelProcess[];
  /** All of Fairway's processes: those on nodes, then deciders, consoles and sentinels, then what was added. */
  readonly processes: readonly Process[];
  readonly invariants: Invariants;
  readonly lines: Line[];
  /** Invariants that did not hold, each as often as it was broken. */
  readonly broken: string[];
  say(who: string, what: string): void;
  /** One more, which is not started yet. */
  addReplica(service: Replicated, skewMs: number): Process;
};

/** Makes a world; nothing has been started in it. */
export function makeWorld(seed: number, shape: Shape): World {
  const clock = new SimulatedClock();
  const chance = chanceFrom(seed * 4 + 1);
  const latency = new Latency(clock, chance);
  const bus = createMemoryBus({ seed: seed * 4 + 2, clock });
  const lines: Line[] = [];
  /** Told where somebody reads it: most stories end as they should, and nobody does. */
  const sayLater = (who: string, tell: () => string) => {
    const atMs = clock.nowMs();
    lines.push({
      atMs,
      who,
      get what() {
        return tell();
      },
    });
  };
  const say = (who: string, what: string) => void lines.push({ atMs: clock.nowMs(), who, what });
  const swarm = new Swarm(latency, shape.overlays, say);
  const machines = shape.machines.map(
    ({ manager, ipvs }, n) =>
      new Machine(
        `n${n + 1}`,
        manager,
        createKernelStandIn({ seed: seed * 64 + n, failOneIn: 0, balancer: ipvs ? 'ipvs' : 'nftables' }),
        swarm,
        latency,
        say,
      ),
  );
  swarm.join(machines);
  const broken: string[] = [];
  const invariants = new Invariants(
    { swarm, machines },
    () => clock.nowMs(),
    (what) => {
      say('broken', what);
      broken.push(what);
    },
  );
  for (const machine of machines) {
    machine.onSignal = (task, sinceMs) => invariants.signalled(task, sinceMs);
    machine.kernel.watchSandboxes((sandbox) => invariants.tampered(machine, sandbox));
  }
  every(clock, lookEveryMs, () => invariants.look());
  witness(bus.another(), {
    say: sayLater,
    onBegin: () => invariants.begun(),
    onWrite: (entry) => invariants.written(entry),
    onDrift: (node, namespace, found) => invariants.drifted(node, namespace, found),
  });
  let ids = 0;
  const paths = (shape.sentinels ?? 0) > 0 ? new Paths(machines, latency) : undefined;
  const newId = () => `listing${++ids}`;
  const surroundings = { bus, latency, say, newId, invariants, ...(paths ? { paths } : {}) };
  const nodes = machines.map((machine, n) => new NodeProcess(machine, shape.machines[n]?.skewMs ?? 0, surroundings));
  const processes: Process[] = [...nodes];
  const consoles: ConsoleProcess[] = [];
  const sentinels: SentinelProcess[] = [];
  const made = { decider: 0, sentinel: 0, console: 0 };
  const addReplica = (service: Replicated, skewMs: number) => {
    made[service] += 1;
    const name = `${service}${made[service]}`;
    const replica = new replicas[service](name, skewMs, surroundings);
    processes.push(replica);
    if (replica instanceof ConsoleProcess) consoles.push(replica);
    if (replica instanceof SentinelProcess) sentinels.push(replica);
    return replica;
  };
  for (const { skewMs } of shape.deciders) addReplica('decider', skewMs);
  for (let n = 0; n < (shape.consoles ?? 0); n++) addReplica('console', 0);
  for (let n = 0; n < (shape.sentinels ?? 0); n++) addReplica('sentinel', 0);
  return {
    clock,
    latency,
    bus,
    swarm,
    machines,
    nodes,
    consoles,
    sentinels,
    processes,
    addReplica,
    invariants,
    broken,
    lines,
    say,
  };
}
