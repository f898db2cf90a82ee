import {
  type BucketEntry,
  type Bus,
  BusUnavailable,
  createMemoryBus,
  deadLetterStream,
  factMessage,
  type MemoryBus,
  type MemoryFaults,
  MeshReplica,
  type Message,
  SimulatedClock,
  subjects,
} from '@fairway/bus';
import {
  type ContainerFact,
  type Fact,
  hasEnded,
  type Mesh,
  objectOf,
  type ServiceFact,
  type TaskClaim,
} from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { type Decider, startDecider } from './decider.ts';

type LabOptions = {
  readonly seed?: number;
  readonly faults?: MemoryFaults;
  readonly deciders?: number;
  /** What a decider gets in the place of its connection. */
  readonly connect?: (bus: Bus) => Bus;
};

/** Deciders on a bus in memory, in simulated time, and a reader of the mesh that they write. */
export type DeciderLab = {
  readonly clock: SimulatedClock;
  readonly bus: MemoryBus;
  readonly deciders: readonly Decider[];
  /** Every write to the mesh bucket, as its revision and key: `7 service.web`. */
  readonly writes: string[];
  /** What was put aside: `SUBJECT: REASON`. */
  readonly putAside: string[];
  /** Warnings and errors that deciders logged. */
  readonly said: string[];
  readonly mesh: Mesh;
  /** Called at each change that a reader of the mesh hears. */
  onMesh: (mesh: Mesh) => void;
  /** Publishes a fact, again until it is stored. Container facts and node listings come from their node. */
  tell(...facts: readonly Fact[]): Promise<void>;
  /** The same without letting time pass. */
  publish(fact: Fact): Promise<void>;
  send(message: Message, id: string): Promise<void>;
  /** Lets time pass until it holds; throws when it does not within a minute. */
  until(holds: () => boolean): Promise<void>;
  /** Lets so much time pass. */
  pass(forMs: number): Promise<void>;
};

/** Opens a lab on a provisioned bus. */
export async function openLab({
  seed = 1,
  faults = {},
  deciders = 1,
  connect = (bus) => bus,
}: LabOptions = {}): Promise<DeciderLab> {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ seed, clock });
  await clock.settle(bus.provision());
  bus.setFaults(faults);

  const writes: string[] = [];
  const putAside: string[] = [];
  const said: string[] = [];
  const replica = new MeshReplica({ onChange: () => replica.current && lab.onMesh(replica.current) });
  const reader = bus.another();
  reader.mesh.follow({
    begin: (epoch) => replica.follower.begin(epoch),
    entry(entry: BucketEntry) {
      writes.push(`${entry.revision} ${entry.key}${entry.text === undefined ? ' deleted' : ''}`);
      replica.follower.entry(entry);
    },
    caughtUp: (revision) => replica.follower.caughtUp(revision),
  });
  // What deciders put aside bears their own name, or servers would refuse it.
  reader.tail(deadLetterStream.name, subjects.deadLetter(bus.sender), ({ text }) => {
    const { subject, reason } = JSON.parse(text) as { subject: string; reason: string };
    putAside.push(`${subject}: ${reason}`);
  });

  let told = 0;
  const publish = async (fact: Fact) => {
    const sender = fact.kind === 'container' || fact.kind === 'node-listing' ? fact.node : 'm1';
    const epoch = replica.current?.generation.epoch ?? 'none';
    const event = `${fact.kind} ${objectOf(fact)}`;
    told += 1;
    const id = `fact ${told}`;
    const message = factMessage(sender, epoch, fact, event, clock.nowMs(), `00-${id}`);
    await publishAsSenders(bus, message, id);
  };

  const running: Decider[] = [];
  const lab: DeciderLab = {
    clock,
    bus,
    deciders: running,
    writes,
    putAside,
    said,
    get mesh() {
      if (!replica.current) throw new Error('the reader has not reached the mesh');
      return replica.current;
    },
    onMesh: () => {},
    publish,
    async tell(...facts) {
      for (const fact of facts) await clock.settle(publish(fact));
    },
    send: (message, id) => clock.settle(bus.publish(message, id)),
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
    pass: (forMs) => clock.settle(Promise.resolve(), forMs),
  };
  for (let n = 0; n < deciders; n++) {
    // Not all at once, or what each does every so often would always come together.
    if (n > 0) await lab.pass(3_000);
    running.push(startDecider({ bus: connect(bus.another()), log: logTo(said), clock, nowMs: () => clock.nowMs() }));
  }
  await lab.until(() => replica.caughtUp);
  await lab.pass(1);
  writes.length = 0;
  return lab;
}

export const life = { boot: 'b1', daemon: 'd1' };

/** A task as a manager claims it: `t5` is at 10.0.0.5 on the ingress network. */
export function claim(id: string, node: string, index: number, word: TaskClaim['claim'] = 'running'): TaskClaim {
  const number = Number(id.slice(1));
  const text = `10.0.${number >> 8}.${number & 255}`;
  return { id, node, index, claim: word, addresses: [{ network: 'ingress', address: { family: 'ip', text } }] };
}

/** A manager's report of a service. */
export function report(id: string, index: number, tasks: readonly TaskClaim[], gone: string[] = []): ServiceFact {
  return {
    kind: 'service',
    spec: { id, name: id, index, mode: 'vip', ports: [], vips: [], labels: {} },
    tasks,
    gone,
    confirmed: false,
  };
}

/** A node's word about the container of one of its tasks. */
export function container(
  service: string,
  task: string,
  node: string,
  tick: number,
  state: ContainerFact['state'] = 'running',
): ContainerFact {
  return {
    kind: 'container',
    node,
    service,
    task,
    container: `c-${task}`,
    state,
    reading: { incarnation: life, tick },
  };
}

/** As senders do it: again, by the same id, whenever the bus cannot say that it is stored. */
export async function publishAsSenders(bus: Bus, message: Message, id: string): Promise<void> {
  for (;;) {
    try {
      return await bus.publish(message, id);
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
    }
  }
}

/** A service's endpoints that have not ended, by task: `t1 running running`, the manager's claim first. */
export function shown(mesh: Mesh, service: string): string[] {
  const held = mesh.services.get(service);
  if (!held) return ['unknown'];
  if (held.removedMs !== undefined) return ['removed'];
  return held.endpoints
    .filter((endpoint) => !hasEnded(endpoint))
    .map(({ task, claim, container }) => `${task} ${claim} ${container}`)
    .sort();
}

function logTo(said: string[]): Log {
  const keep = (message: string, fields: Record<string, unknown> = {}) =>
    void said.push(
      ['reason', 'subject'].reduce((line, key) => (fields[key] ? `${line}: ${fields[key]}` : line), message),
    );
  const log: Log = { debug: () => {}, info: () => {}, warn: keep, error: keep, with: () => log };
  return log;
}

/** All services as `shown`, by id. */
export function allShown(mesh: Mesh): Record<string, string[]> {
  return Object.fromEntries([...mesh.services.keys()].map((id) => [id, shown(mesh, id)]));
}
