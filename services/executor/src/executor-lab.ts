import { setTimeout } from 'node:timers/promises';
import {
  createMemoryBus,
  keys,
  type MemoryBus,
  MeshReplica,
  outcomeStream,
  readOutcome,
  realClock,
  SimulatedClock,
  subjects,
  writeComplete,
  writeNetwork,
  writeNode,
  writeService,
} from '@fairway/bus';
import {
  type Address,
  type Cause,
  type ContainerState,
  type Endpoint,
  type NetworkAddress,
  type NodeClaim,
  type Outcome,
  type PublishedPort,
  parseAddress,
  type WatchedFacts,
} from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { type Came, type Executor, startExecutor } from './executor.ts';
import type { Kernel } from './kernel/kernel.ts';
import { createKernelStandIn, type KernelStandIn } from './kernel/stand-in.ts';
import { showTarget } from './rules/rules.ts';
import { servicesIn, targetsOf } from './rules/targets.ts';

type LabOptions = {
  readonly kernel?: KernelStandIn;
  /** What the executor gets in the kernel's place. */
  readonly given?: (kernel: KernelStandIn) => Kernel;
  readonly onCame?: (came: Came) => void;
  /** Whether a complete listing is folded in. */
  readonly complete?: boolean;
  /** Whether ways that Docker lost are put back. */
  readonly repairsOverlays?: boolean;
  /** Whether the node was left to Docker before. */
  readonly handedOver?: boolean;
  /** Simulated time unless told otherwise. */
  readonly clock?: LabClock;
};

/** What a lab needs of time. */
export type LabClock = Pick<SimulatedClock, 'nowMs' | 'after' | 'settle'>;

/** For real kernels. */
export const labRealClock: LabClock = {
  ...realClock,
  // Whole ones, as times are told.
  nowMs: () => Math.floor(realClock.nowMs()),
  async settle(work, forMs = 0) {
    const result = await work;
    await setTimeout(forMs);
    return result;
  },
};

/** An executor of node n1 on a kernel and a bus in memory, in simulated time unless told otherwise. */
export type ExecutorLab = {
  readonly clock: LabClock;
  readonly bus: MemoryBus;
  readonly kernel: KernelStandIn;
  readonly replica: MeshReplica;
  readonly executor: Executor;
  /** What the executor told the bus, each with when it was heard. */
  readonly outcomes: (Outcome & { readonly atMs: number })[];
  readonly said: string[];
  own: WatchedFacts;
  /** Writes an entry of the mesh bucket; returns its revision. */
  write(key: string, text: string): Promise<number>;
  /** Writes a service; `happened` names what caused it. */
  service(
    name: string,
    ports: readonly PublishedPort[],
    endpoints: readonly Endpoint[],
    happened?: string,
    vips?: readonly NetworkAddress[],
  ): Promise<number>;
  /** The node's own watcher saw this of one of its tasks. */
  sees(task: string, state: ContainerState, tick: number): void;
  pass(forMs: number): Promise<void>;
  until(holds: () => boolean): Promise<void>;
  /** What the kernel has: `8000/tcp > 172.18.0.2` on the host, `8000/tcp: 10.0.0.5:80` in the sandbox. */
  rules(): string[];
};

/** An address that must be one. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`not an address: ${text}`);
  return parsed;
}

/** A port published as `8000/tcp`, which leads to port 80. */
export function port(first: number, protocol: PublishedPort['protocol'] = 'tcp'): PublishedPort {
  return { protocol, first, last: first, target: 80 };
}

/** Task tN at 10.0.0.N on the ingress network, as its service's entry has it. */
export function endpoint(n: number, node: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    task: `t${n}`,
    node,
    claim: 'running',
    index: n,
    addresses: [{ network: 'ingress', address: address(`10.0.0.${n}`) }],
    container: 'running',
    incarnation: { boot: 'b1', daemon: 'd1' },
    tick: 100,
    sinceMs: 0,
    ...more,
  };
}

/** Opens a lab whose mesh has the ingress network and the nodes n1 and n2. */
export async function openLab({
  kernel = createKernelStandIn({ seed: 1, failOneIn: 0 }),
  given = (held) => held,
  onCame = () => {},
  complete = true,
  handedOver = false,
  repairsOverlays = false,
  clock = new SimulatedClock(),
}: LabOptions = {}): Promise<ExecutorLab> {
  const bus = createMemoryBus({ clock });
  const epoch = await clock.settle(bus.provision());
  const outcomes: (Outcome & { atMs: number })[] = [];
  const said: string[] = [];
  const revisions = new Map<string, number>();
  const ofServices = new Map<string, Cause[]>();

  const write = async (key: string, text: string) => {
    const revision = await clock.settle(bus.mesh.put(key, text, revisions.get(key) ?? 0));
    revisions.set(key, revision);
    return revision;
  };
  const node = (id: string): NodeClaim => ({
    id,
    name: id,
    index: 1,
    role: 'worker',
    availability: 'active',
    state: 'ready',
    labels: {},
  });
  const flags = { ingress: true, attachable: false, internal: false, encrypted: false };
  await write(keys.network('ingress'), writeNetwork({ id: 'ingress', name: 'ingress', index: 1, ...flags }));
  for (const id of ['n1', 'n2']) await write(keys.node(id), writeNode({ claim: node(id), retired: [], causes: [] }));
  if (complete) await write(keys.complete, writeComplete({ epoch, listing: 'l1' }));

  const reader = bus.another();
  reader.tail(outcomeStream.name, subjects.outcomes, (message) => {
    outcomes.push({ ...readOutcome(message).body, atMs: clock.nowMs() });
  });
  const replica = new MeshReplica({ onChange: (causes) => executor.meshChanged(causes) });
  const own: WatchedFacts = { node: 'n1', gateway: address('172.18.0.2'), containers: new Map() };
  const executor = startExecutor({
    bus,
    kernel: given(kernel),
    replica,
    log: logTo(said),
    onCame,
    handedOver,
    repairsOverlays,
    nowMs: () => clock.nowMs(),
    clock,
  });
  reader.mesh.follow(replica.follower);

  const lab: ExecutorLab = {
    clock,
    bus,
    kernel,
    replica,
    executor,
    outcomes,
    said,
    own,
    write,
    service(name, ports, endpoints, happened, vips = []) {
      const causes = ofServices.get(name) ?? [];
      const after = revisions.get(keys.service(name)) ?? 0;
      if (happened) causes.push({ trace: `00-${happened}`, event: happened, atMs: clock.nowMs(), after });
      ofServices.set(name, causes);
      const spec = { id: name, name, index: 5, mode: 'vip', ports, vips, labels: {} } as const;
      return write(keys.service(name), writeService({ spec, endpoints, causes, seen: 9, of: 1 }));
    },
    sees(task, state, tick) {
      lab.own = { ...lab.own, containers: new Map([...lab.own.containers, [task, { state, tick }]]) };
      executor.ownChanged(lab.own);
    },
    pass: (forMs) => clock.settle(Promise.resolve(), forMs),
    async until(holds) {
      const endMs = clock.nowMs() + 60_000;
      await clock.settle(
        new Promise<void>((resolve, reject) => {
          const look = () => {
            if (holds()) resolve();
            else if (clock.nowMs() > endMs) reject(new Error('it did not come to hold within a minute'));
            else clock.after(1, look);
          };
          look();
        }),
      );
    },
    rules: () => shown(kernel),
  };
  await lab.until(() => replica.caughtUp);
  executor.ownChanged(own);
  await lab.pass(1);
  return lab;
}

function shown(kernel: KernelStandIn): string[] {
  const named = (key: string) => key.split(' . ').reverse().join('/');
  const host = [...(kernel.rules('host')?.ports ?? [])].map(([key, gateway]) => `${named(key)} > ${gateway.text}`);
  const rules = kernel.rules('ingress');
  const ingress = (rules ? servicesIn(rules) : []).map((key) => {
    const targets = (rules ? targetsOf(rules, key) : []).map(showTarget);
    return `${named(key)}: ${targets.sort().join(' ') || 'refused'}`;
  });
  return [...host.sort(), ...ingress.sort()];
}

export function logTo(said: string[]): Log {
  const keep = (message: string, fields: Record<string, unknown> = {}) =>
    void said.push(fields.reason ? `${message}: ${fields.reason}` : message);
  const log: Log = { debug: () => {}, info: () => {}, warn: keep, error: keep, with: () => log };
  return log;
}
