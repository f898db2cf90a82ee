import type { Bus, MemoryBus, Stoppable } from '@fairway/bus';
import type { Disk, Kernel } from '@fairway/executor';
import type { Docker } from '@fairway/watcher';
import type { Latency } from '../swarm/latency.ts';
import { type Life, never } from './life.ts';

/** The bus as a process has it: a connection of its own, which ends with it. */
export function busOf(life: Life, bus: MemoryBus): Bus {
  life.onDeath((last) => void last.finally(() => bus.close()));
  const gated = (started: Stoppable): Stoppable => ({ stop: () => life.effect(() => started.stop()) });
  const { mesh } = bus;
  return {
    sender: bus.sender,
    provision: () => life.effect(() => bus.provision()),
    expect: (senders) => life.act(() => bus.expect(senders)),
    epoch: () => life.effect(() => bus.epoch()),
    publish: (message, id) => life.effect(() => bus.publish(message, id)),
    broadcast: (message) => life.act(() => bus.broadcast(message)),
    subscribe: (pattern, handle) => gated(bus.subscribe(pattern, life.hears(handle))),
    ask: (subject, text, limitMs) => life.effect(() => bus.ask(subject, text, limitMs)),
    answer: (subject, handle) => gated(bus.answer(subject, (text) => life.effect(() => handle(text)))),
    consume: (stream, durable, handle) =>
      gated(
        bus.consume(
          stream,
          durable,
          life.hears((delivery) =>
            handle({
              ...delivery,
              ack: () => life.act(() => delivery.ack()),
              retry: (delayMs) => life.act(() => delivery.retry(delayMs)),
            }),
          ),
        ),
      ),
    ackFloor: (stream, durable) => life.effect(() => bus.ackFloor(stream, durable)),
    count: (stream) => life.effect(() => bus.count(stream)),
    tail: (stream, pattern, handle) => gated(bus.tail(stream, pattern, life.hears(handle))),
    mesh: {
      get: (key) => life.effect(() => mesh.get(key)),
      put: (key, text, revision) => life.effect(() => mesh.put(key, text, revision)),
      delete: (key, revision) => life.effect(() => mesh.delete(key, revision)),
      lastRevision: () => life.effect(() => mesh.lastRevision()),
      follow: (follower) =>
        gated(
          mesh.follow({
            begin: life.hears((epoch) => follower.begin(epoch)),
            entry: life.hears((entry) => follower.entry(entry)),
            caughtUp: life.hears((revision) => follower.caughtUp(revision)),
            fellBehind: life.hears(() => follower.fellBehind?.()),
          }),
        ),
    },
    onState: (listener) => bus.onState(life.hears(listener)),
    goOnBy: (server) => life.act(() => bus.goOnBy(server)),
    close: () => life.effect(() => bus.close()),
  };
}

/** A node's Docker as a process has it. */
export function dockerOf(life: Life, docker: Docker): Docker {
  return {
    ping: () => life.effect(() => docker.ping()),
    info: () => life.effect(() => docker.info()),
    daemon: () => life.effect(() => docker.daemon()),
    ingressGateway: () => life.effect(() => docker.ingressGateway()),
    ingressAddress: () => life.effect(() => docker.ingressAddress()),
    async events() {
      const events = await life.effect(() => docker.events());
      life.onDeath(() => events.stop());
      return events;
    },
    async taskChanges() {
      const changes = await docker.taskChanges();
      life.onDeath(() => changes.stop());
      return changes;
    },
    listContainers: () => life.effect(() => docker.listContainers()),
    inspectContainer: (id) => life.effect(() => docker.inspectContainer(id)),
    listServices: () => life.effect(() => docker.listServices()),
    inspectService: (id) => life.effect(() => docker.inspectService(id)),
    listTasks: (service) => life.effect(() => docker.listTasks(service)),
    inspectTask: (id) => life.effect(() => docker.inspectTask(id)),
    listNodes: () => life.effect(() => docker.listNodes()),
    inspectNode: (id) => life.effect(() => docker.inspectNode(id)),
    listNetworks: () => life.effect(() => docker.listNetworks()),
    inspectNetwork: (id) => life.effect(() => docker.inspectNetwork(id)),
    onMalformed: (listener) => docker.onMalformed(life.hears(listener)),
  };
}

/**
 * A node's kernel as a process has it: what is asked takes effect a while later, and is answered a while after that.
 * `slowMs` is the most that either takes.
 */
export function kernelOf(life: Life, kernel: Kernel, latency: Latency, slowMs: () => number): Kernel {
  const late = <T>(work: () => Promise<T>): Promise<T> =>
    life.effect(async () => {
      await latency.pass(0, slowMs());
      if (!life.reaches) return never();
      const answer = await work();
      await latency.pass(0, slowMs());
      return answer;
    });
  return {
    balancer: kernel.balancer,
    schedulers: kernel.schedulers,
    read: (namespace) => late(() => kernel.read(namespace)),
    show: (namespace) => late(() => kernel.show(namespace)),
    apply: (namespace, transaction) => late(() => kernel.apply(namespace, transaction)),
    refusal: (namespace, transaction) => late(() => kernel.refusal(namespace, transaction)),
    ensureHost: () => late(() => kernel.ensureHost()),
    leaveHost: () => late(() => kernel.leaveHost()),
    connections: (sandbox) => late(() => kernel.connections(sandbox)),
    forget: (namespace, stale) => late(() => kernel.forget(namespace, stale)),
    wereFlushed: (namespace) => late(() => kernel.wereFlushed(namespace)),
    ensureSettings: (sandbox) => late(() => kernel.ensureSettings(sandbox)),
    reached: (network, addresses) => late(() => kernel.reached(network, addresses)),
    ways: (network) => late(() => kernel.ways(network)),
    putWays: (network, ways) => late(() => kernel.putWays(network, ways)),
    setWays: (network, ways) => late(() => kernel.setWays(network, ways)),
    dropWays: (network, ways) => late(() => kernel.dropWays(network, ways)),
    nodeAnswers: (network, address) => late(() => kernel.nodeAnswers(network, address)),
    answers: (network, address) => late(() => kernel.answers(network, address)),
    sandboxes: () => late(() => kernel.sandboxes()),
    watchSandboxes(onChange) {
      const watching = kernel.watchSandboxes(life.hears(onChange));
      life.onDeath(() => watching.close());
      return watching;
    },
    watchRules(namespace, onChange) {
      const watching = kernel.watchRules(namespace, life.hears(onChange));
      life.onDeath(() => watching.close());
      return watching;
    },
    requirements: () => life.effect(() => kernel.requirements()),
  };
}

/** A machine's disk as a process has it: a file that is being replaced when the process ends is whole, old or new. */
export function diskOf(life: Life, disk: Disk, latency: Latency): Disk {
  return {
    read: (path) => life.effect(() => disk.read(path)),
    replace: (path, text) =>
      life.effect(async () => {
        await latency.pass(1, 30);
        if (life.reaches) await disk.replace(path, text);
      }),
  };
}
