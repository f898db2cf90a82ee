import type { EngineTask } from '@fairway/watcher';
import type { StoryEvent } from './story/story.ts';
import { showEvent } from './story/story.ts';
import { isPast } from './swarm/store.ts';
import type { World } from './world.ts';

/** Backups that were taken on the way, oldest first. */
export type Backups = { readonly bus: (() => void)[]; readonly swarm: (() => void)[] };

/** The one of a list that a share of it points at. */
function at<T>(list: readonly T[], pick: number): T | undefined {
  return list[Math.floor(pick * list.length)];
}

/**
 * Lets an event of a story happen in the world; what it breaks for a while is mended by itself. Answers until when the
 * event goes on, milliseconds of simulated time.
 */
export function happen(world: World, event: StoryEvent, backups: Backups): number {
  const untilMs = begin(world, event, backups);
  const { invariants } = world;
  switch (event.kind) {
    case 'weather':
      invariants.unrest(untilMs + (event.faults.straggleMsMax ?? 0) + (event.faults.lateMsMax ?? 0));
      break;
    case 'manager lags':
      invariants.unrest(untilMs + event.lagMs);
      break;
    case 'bus restored':
    case 'swarm restored':
      invariants.startAnew(untilMs + restoredMs);
      break;
    default:
      invariants.unrest(untilMs);
  }
  return untilMs;
}

/** So long it takes until everybody knows what a restored swarm or bus has: what is not told anew is asked for twice. */
const restoredMs = 120_000;

/** What nobody tells of is found by a look, so long after at most. */
const checkMs = 10_000;

function begin(world: World, event: StoryEvent, backups: Backups): number {
  const { swarm, machines, nodes, processes, bus, latency, invariants } = world;
  world.say('story', showEvent(event).trimStart());
  const nowMs = world.clock.nowMs();
  const services = () => swarm.store.all('services').map(({ ID }) => ID);
  const mend = (forMs: number, work: () => void) => {
    latency.after(forMs, forMs, work);
    return nowMs + forMs;
  };
  switch (event.kind) {
    case 'create service':
      swarm.createService(event.wish);
      return nowMs;
    case 'scale service': {
      const service = at(services(), event.service);
      if (service) swarm.scaleService(service, event.replicas);
      return nowMs;
    }
    case 'update service': {
      const service = at(services(), event.service);
      if (service) swarm.updateService(service, event.target);
      return nowMs;
    }
    case 'remove service': {
      const service = at(services(), event.service);
      if (service) swarm.removeService(service);
      return nowMs;
    }
    case 'container ends':
    case 'container sickens':
    case 'container is signalled': {
      const tasks = swarm.store.all('tasks').filter(({ Status }) => !isPast(Status.State));
      const task = at(tasks, event.task);
      const machine = machines.find(({ node }) => node === task?.NodeID);
      if (!task || !machine) return nowMs;
      if (event.kind === 'container ends') machine.crash(task.ID);
      else if (event.kind === 'container sickens') machine.sicken(task.ID);
      else machine.signal(task.ID);
      return nowMs;
    }
    case 'create network':
      swarm.createNetwork();
      return nowMs;
    case 'remove network': {
      const network = at(swarm.unusedNetworks, event.network);
      if (network) swarm.removeNetwork(network);
      return nowMs;
    }
    case 'replace node': {
      const node = at(nodes, event.machine);
      if (!node || !swarm.remove(node.machine)) return nowMs;
      node.life?.die();
      return mend(event.forMs, () => {
        swarm.rejoin(node.machine);
        latency.after(100, 2_000, () => node.start());
      });
    }
    case 'drain node':
    case 'activate node': {
      const machine = at(machines, event.machine);
      if (machine) swarm.setAvailability(machine, event.kind === 'drain node' ? 'drain' : 'active');
      return nowMs;
    }
    case 'promote node':
    case 'demote node': {
      const machine = at(machines, event.machine);
      if (machine) swarm.setManager(machine, event.kind === 'promote node');
      return nowMs;
    }
    case 'replica joins':
      world.addReplica(event.of, event.skewMs).start();
      return nowMs;
    case 'weather':
      bus.setFaults(event.faults);
      return mend(event.forMs, () => bus.setFaults({}));
    case 'bus wiped':
      bus.wipe();
      return nowMs;
    case 'bus restored':
      // A server that is restored was stopped for it: whoever was connected lost it.
      for (const { connection } of processes) connection?.cut(200);
      at(backups.bus, event.backup)?.();
      return nowMs;
    case 'swarm restored':
      at(backups.swarm, event.backup)?.();
      return nowMs;
    case 'cut from the bus': {
      const connection = at(processes, event.process)?.connection;
      connection?.cut();
      return mend(event.forMs, () => connection?.mend());
    }
    case 'half cut': {
      const connection = at(processes, event.process)?.connection;
      connection?.cutHalf(event.half);
      return mend(event.forMs, () => connection?.mend());
    }
    case 'bus parts': {
      const apart = [...new Set(event.processes.flatMap((pick) => at(processes, pick)?.connection ?? []))];
      for (const connection of apart) connection.part();
      return mend(event.forMs, () => {
        for (const connection of apart) connection.mend();
      });
    }
    case 'half seen': {
      const node = at(nodes, event.machine);
      const other = at(machines, event.other);
      if (!node || !other || node.machine === other) return nowMs;
      const { machine, connection } = node;
      connection?.cut();
      machine.unreached.add(other);
      other.unreached.add(machine);
      return mend(event.forMs, () => {
        connection?.mend();
        machine.unreached.delete(other);
        other.unreached.delete(machine);
      });
    }
    case 'partition': {
      const apart = [...new Set(event.machines.flatMap((pick) => at(nodes, pick) ?? []))];
      const connections = apart.map(({ connection }) => connection);
      for (const { machine } of apart) machine.setLinked(false);
      if (event.whole) for (const connection of connections) connection?.cut();
      return mend(event.forMs, () => {
        for (const { machine } of apart) machine.setLinked(true);
        for (const connection of connections) connection?.mend();
      });
    }
    case 'process dies': {
      const process = at(processes, event.process);
      const life = process?.life;
      life?.doom(event);
      life?.onDeath(() => {
        world.invariants.unrest(world.clock.nowMs() + event.forMs);
        latency.after(event.forMs, event.forMs, () => process?.start());
      });
      return nowMs;
    }
    case 'all processes die':
      for (const { life } of processes) life?.die();
      return mend(event.forMs, () => {
        for (const process of processes) process.start();
      });
    case 'dockerd ends': {
      const machine = at(machines, event.machine);
      machine?.stopDaemon();
      if (event.restarts) {
        const process = nodes.find((node) => node.machine === machine);
        process?.life?.die();
        latency.after(100, 2_000, () => process?.start());
      }
      return mend(event.forMs, () => machine?.startDaemon());
    }
    case 'power fails': {
      const node = at(nodes, event.machine);
      node?.life?.die();
      node?.machine.powerOff();
      return mend(event.forMs, () => {
        node?.machine.powerOn();
        latency.after(100, 2_000, () => node?.start());
      });
    }
    case 'manager lags': {
      const machine = at(machines, event.machine);
      if (!machine) return nowMs;
      machine.lagMs = event.lagMs;
      return mend(event.forMs, () => {
        machine.lagMs = 0;
      });
    }
    case 'garbled': {
      const docker = at(machines, event.machine)?.docker;
      const id = docker && at([...docker[`${event.what}s`].keys()], event.object);
      if (!docker || id === undefined) return nowMs;
      docker.garbled.add(id);
      return mend(event.forMs, () => docker.garbled.delete(id));
    }
    case 'gossip errs': {
      const machine = at(machines, event.machine);
      const other = at(machines, event.other)?.node;
      const holds = (address: string) => swarm.store.all('tasks').some((task) => isAt(task, other, address));
      if (!machine) return nowMs;
      machine.lost.push({ what: event.lost, holds, untilMs: nowMs + event.forMs });
      const isLost = (what: typeof event.lost) => (address: string) =>
        machine.lost.some((one) => one.what === what && world.clock.nowMs() < one.untilMs && one.holds(address));
      machine.kernel.lose({ noWay: isLost('noWay'), silent: isLost('silent') });
      return nowMs + event.forMs;
    }
    case 'table deleted': {
      const machine = at(machines, event.machine);
      const namespace = at(['host', 'ingress', ...(machine?.sandboxes ?? [])] as const, event.namespace);
      if (!machine || !namespace) return nowMs;
      invariants.tampered(machine, namespace);
      machine.kernel.tamper(namespace, 'delete', event.told);
      return nowMs + (event.told ? 0 : checkMs);
    }
    case 'kernel fails': {
      const kernel = at(machines, event.machine)?.kernel;
      kernel?.failOneIn(event.oneIn);
      return mend(event.forMs, () => kernel?.failOneIn(0));
    }
    case 'kernel is slow': {
      const node = at(nodes, event.machine);
      if (!node) return nowMs;
      const usualMs = node.slowMs;
      node.slowMs = event.slowMs;
      return mend(event.forMs, () => {
        node.slowMs = usualMs;
      });
    }
    case 'element refused': {
      const kernel = at(machines, event.machine)?.kernel;
      const service = swarm.store.get('services', at(services(), event.service) ?? '');
      const [port] = service?.Endpoint.Ports ?? [];
      kernel?.refuse(port ? `${port.Protocol} . ${port.PublishedPort}` : undefined);
      return mend(event.forMs, () => kernel?.refuse(undefined));
    }
  }
}

/** Whether a task of the node has the address: that of one that has ended may be another node's. */
function isAt({ NodeID, NetworksAttachments, Status }: EngineTask, node: string | undefined, address: string): boolean {
  return (
    NodeID === node &&
    !isPast(Status.State) &&
    NetworksAttachments.some(({ Addresses }) => Addresses.some((held) => held?.text === address))
  );
}

/** Everything is mended, whatever the story has broken and not mended yet. */
export function mendAll(world: World): void {
  const { bus, nodes, processes, swarm } = world;
  bus.setFaults({});
  for (const node of nodes) {
    node.machine.kernel.failOneIn(0);
    node.machine.kernel.lose({});
    node.machine.kernel.refuse(undefined);
    node.machine.docker.garbled.clear();
    node.machine.lagMs = 0;
    node.slowMs = 4;
    swarm.rejoin(node.machine);
    node.machine.powerOn();
    node.machine.startDaemon();
    node.machine.setLinked(true);
    node.machine.unreached.clear();
  }
  for (const process of processes) {
    process.life?.pardon();
    process.connection?.mend();
    process.start();
  }
}
