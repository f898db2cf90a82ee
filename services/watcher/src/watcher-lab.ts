import { createMemoryBus, type MemoryBus, readFact, senderOf, unknownSpec } from '@fairway/bus';
import type { Fact } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { ManualClock } from './manual-clock.ts';
import { MemoryDocker } from './memory-docker.ts';
import { MemorySwarm } from './memory-swarm.ts';
import type { HeldContainerWord, HeldObject, MeshView } from './mesh-view.ts';
import type { OwnChange } from './own.ts';
import { startWatcher, type Watcher } from './watcher.ts';

/** A view whose every answer a test sets. */
class SetView implements MeshView {
  complete = true;
  heldServices: (HeldObject & { seen?: number })[] = [];
  heldTasks: (HeldObject & { released?: boolean })[] = [];
  heldNodes: HeldObject[] = [];
  heldNetworks: HeldObject[] = [];
  removed: string[] = [];
  live: { task: string; service: string }[] = [];
  /** By task. */
  told = new Map<string, HeldContainerWord>();

  isComplete = () => this.complete;
  services = () => this.heldServices;
  service = (id: string) => {
    const held = this.heldServices.find((one) => one.id === id);
    return held && { spec: { ...unknownSpec(id), index: held.index }, seen: held.seen ?? 0 };
  };
  isRemoved = (_kind: string, id: string) => this.removed.includes(id);
  tasks = (service: string) =>
    this.service(service) ? this.heldTasks.map((held) => ({ released: false, ...held })) : [];
  container = (_node: string, _service: string, task: string) => this.told.get(task);
  nodes = () => this.heldNodes;
  networks = () => this.heldNetworks;
  liveTasks = () => this.live;
}

/** A watcher between a stand-in for Docker and one for the bus, under a clock that the test moves. */
export type WatcherLab = {
  readonly swarm: MemorySwarm;
  readonly docker: MemoryDocker;
  readonly bus: MemoryBus;
  readonly clock: ManualClock;
  readonly view: SetView;
  readonly watcher: Watcher;
  /** Facts as they passed on the bus, and `own …` for what the executor was told, in one order. */
  readonly story: string[];
  readonly facts: Fact[];
  readonly changes: OwnChange[];
  /** Warnings and errors that were logged. */
  readonly said: string[];
  /** Forgets what passed so far. */
  turnPage(): void;
};

type Before = { readonly swarm: MemorySwarm; readonly docker: MemoryDocker; readonly view: SetView };

/** Opens a lab with a provisioned bus; `prepare` sets up what is there before the watcher. */
export async function openLab(
  prepare: (before: Before) => void = () => {},
  provisioned = true,
  seed = 1,
): Promise<WatcherLab> {
  const clock = new ManualClock();
  const swarm = new MemorySwarm(new MemoryDocker());
  const { docker } = swarm;
  const view = new SetView();
  prepare({ swarm, docker, view });
  const bus = createMemoryBus({ clock, seed });
  if (provisioned) await clock.during(bus.provision());
  const story: string[] = [];
  const facts: Fact[] = [];
  const changes: OwnChange[] = [];
  const said: string[] = [];
  bus.another().subscribe('fairway.fact.>', (message) => {
    if (senderOf(message.subject) !== swarm.node) return;
    const { body } = readFact(message);
    facts.push(body);
    story.push(show(body));
  });
  const watcher = startWatcher({
    docker,
    bus,
    view,
    clock,
    boot: 'boot1',
    log: logTo(said),
    onOwn: (change) => {
      changes.push(change);
      if (change.kind === 'container') story.push(`own ${change.task} ${change.state}`);
    },
  });
  const turnPage = () => {
    for (const list of [story, facts, changes, said]) list.length = 0;
    docker.asked.length = 0;
  };
  await clock.advance(100);
  return { swarm, docker, bus, clock, view, watcher, story, facts, changes, said, turnPage };
}

/** A fact in one line: `service web 2/2 running`. */
export function show(fact: Fact): string {
  switch (fact.kind) {
    case 'service': {
      const claims = fact.tasks.map(({ id, claim }) => `${id}=${claim}`);
      const gone = fact.gone.map((task) => `${task}=gone`);
      return ['service', fact.spec.name, ...claims, ...gone, ...(fact.confirmed ? ['confirmed'] : [])].join(' ');
    }
    case 'container':
      return `container ${fact.task} ${fact.state}`;
    case 'node':
      return `node ${fact.node.name} ${fact.node.state}${fact.confirmed ? ' confirmed' : ''}`;
    case 'network':
      return `network ${fact.network.name}${fact.confirmed ? ' confirmed' : ''}`;
    case 'node-listing':
      return ['node-listing', ...fact.tasks, ...(fact.partial ? ['partial'] : [])].join(' ');
    case 'service-gone':
      return `service-gone ${fact.service}`;
    case 'node-gone':
      return `node-gone ${fact.node}`;
    case 'network-gone':
      return `network-gone ${fact.network}`;
    case 'swarm-listing':
      return 'swarm-listing';
  }
}

function logTo(said: string[]): Log {
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (message) => said.push(message),
    error: (message) => said.push(message),
    with: () => log,
  };
  return log;
}
