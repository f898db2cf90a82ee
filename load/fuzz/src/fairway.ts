import { createMemoryBus, type MemoryBus, MeshReplica, SimulatedClock } from '@fairway/bus';
import { type Console, startConsole } from '@fairway/console';
import { startDecider } from '@fairway/decider';
import {
  audit,
  conntrackFilters,
  createKernelStandIn,
  doctor,
  type Kernel,
  type KernelStandIn,
  render,
  renderRoutes,
  renderVirtual,
  startAnswers,
} from '@fairway/executor';
import type { View } from '@fairway/mesh';
import { type Heart, joinNode, startHeart } from '@fairway/node';
import { startSentinel } from '@fairway/sentinel';
import type { Log } from '@fairway/telemetry';
import { type Docker, serviceInDocker } from '@fairway/watcher';
import { type Program, strayLines } from './grammar.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

/** What Docker's own mesh has is read by programs, of which none runs here; its overlays are the stand-in's. */
const withoutIpvs = {
  hasIpvs: async () => false,
  host: () => Promise.reject(new Error('there is no iptables')),
  sandbox: () => Promise.reject(new Error('there is no ipvsadm')),
};

const nothing = () => Promise.reject(new Error('there is no program'));
const nowhere = { netnsDir: '/nowhere', read: async () => undefined, run: nothing, runIn: nothing };

/** Simulated time begins here, milliseconds since 1970. */
const wallMs = 1_800_000_000_000;

class FuzzClock extends SimulatedClock {
  override nowMs(): number {
    return wallMs + super.nowMs();
  }
  tickUs(): number {
    return super.nowMs() * 1000;
  }
}

/**
 * All of Fairway's services in one process, on simulated time: a node with its Docker and kernel, a decider, a sentinel and
 * a console.
 */
export type Fairway = {
  readonly bus: MemoryBus;
  readonly console: Console;
  readonly kernel: KernelStandIn;
  /** Lines of input for the kernel's programs that are of no form that these may be given. */
  readonly stray: readonly string[];
  /** The keys of entries of the mesh that cannot be read. */
  readonly unreadable: readonly string[];
  pass(forMs: number): Promise<void>;
  settle<T>(work: Promise<T>): Promise<T>;
  /** What the console says now; throws where it has failed. */
  status(): Promise<View>;
  stop(): Promise<void>;
};

/** Starts them and lets them settle. */
export async function startFairway(docker: Docker, balancer: Kernel['balancer']): Promise<Fairway> {
  const clock = new FuzzClock();
  const bus = createMemoryBus({ clock });
  const stray: string[] = [];
  const give = (program: Program, text: string) => void stray.push(...strayLines(program, text));
  const kernel = createKernelStandIn({ seed: 1, failOneIn: 0, balancer });
  kernel.replaceSandbox('sandbox-2', 'lb_backnetwo');
  const watched: Kernel = {
    ...kernel,
    apply(namespace, transaction) {
      const { before, after } = renderVirtual(transaction);
      give('ipvsadm', [...before, ...after].join('\n'));
      give('nft', render(transaction));
      give('ip', renderRoutes(transaction));
      return kernel.apply(namespace, transaction);
    },
    forget(namespace, stale) {
      give('conntrack', stale.flatMap(conntrackFilters).join('\n'));
      return kernel.forget(namespace, stale);
    },
  };
  const decider = startDecider({ bus: bus.another(), log, clock, nowMs: () => clock.nowMs() });
  const replica = new MeshReplica();
  const reading = bus.another().mesh.follow(replica.follower);
  const console = startConsole({ bus: bus.another(), log, clock });
  const sentinel = startSentinel({ bus: bus.another(), log, clock, nowMs: () => clock.nowMs() });
  sentinel.through(bus.another());
  const nodeBus = bus.another();
  const files = new Map<string, string>();
  let ids = 0;
  const heart: Heart = startHeart({
    clock,
    tickUs: () => clock.tickUs(),
    probe: async () => 'reached',
    onVerdict: (message) => node.hearVerdict(message),
    onWord: (word) => node.hearWord(word),
    onUnreadable: () => {},
    onFlood: () => {},
    onBack: () => {},
  });
  heart.through(bus.another(), 'nats://bus:4222');
  const node = await joinNode({
    bus: nodeBus,
    docker,
    kernel: watched,
    swarm: 'swarm1',
    meshPath: 'mesh',
    log,
    clock,
    boot: 'boot1',
    newId: () => `listing${ids++}`,
    onOwn: (own) => heart.as(own),
    onWord: (word) => heart.say(word),
    onNodes: (nodes) => heart.expect(nodes),
    disk: {
      read: async (path) => files.get(path),
      replace: async (path, text) => void files.set(path, text),
    },
  });
  const answers = startAnswers({
    bus: nodeBus,
    kernel: watched,
    executor: { ...node.executor, handOver: async () => [], takeBack: async () => {} },
    handover: { remember: async () => {} },
    inDocker: (service) => serviceInDocker(docker, service),
    audit: () =>
      audit({
        kernel: watched,
        docker: withoutIpvs,
        version: async () => undefined,
        netnsDir: '/nowhere',
        serves: () => true,
        known: node.known,
        clock,
      }),
    doctor: () => doctor({ machine: nowhere, kernel: watched, known: node.known, servers: [], clock }),
  });
  answers.as('n1');
  const fairway: Fairway = {
    bus,
    console,
    kernel,
    stray,
    get unreadable() {
      return [...replica.unreadable.keys()];
    },
    pass: (forMs) => clock.settle(Promise.resolve(), forMs),
    settle: (work) => clock.settle(work),
    async status() {
      const response = await clock.settle(Promise.resolve(console.app.request('/api/status')));
      if (response.status !== 200) throw new Error(`the console answers ${response.status}: ${await response.text()}`);
      return (await response.json()) as View;
    },
    async stop() {
      await clock.settle(
        Promise.all([heart, node, decider, sentinel, console, answers, reading].map((each) => each.stop())),
      );
    },
  };
  await fairway.pass(3_000);
  return fairway;
}
