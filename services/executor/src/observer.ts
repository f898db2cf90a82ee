import { type Clock, type MeshReplica, type NodeBus, realClock } from '@fairway/bus';
import { type Cause, keepCauses, type WatchedFacts } from '@fairway/mesh';
import { type Log, type Tracer, untraced } from '@fairway/telemetry';
import { ApplyTraces } from './apply-trace.ts';
import type { Executor } from './executor.ts';
import { type Kernel, type Namespace, nameOf } from './kernel/kernel.ts';
import { withoutRules } from './leaving.ts';
import { OutcomeReport } from './outcome-report.ts';
import { RoundLoop } from './round-loop.ts';

type Options = {
  readonly bus: NodeBus;
  readonly replica: MeshReplica;
  readonly log: Log;
  readonly tracer?: Tracer;
  /** The wall clock, for times that are shown. */
  readonly nowMs?: () => number;
  readonly clock?: Clock;
};

/** Rules of an earlier process are on the node, and nobody would keep them right. */
export class RulesLeft extends Error {
  constructor(where: readonly string[]) {
    super(
      `RulesLeft: this node has rules of Fairway's (${where.join(', ')}), which nobody would keep right: start it without --observe, run fairway uninstall on it, and start it with --observe then`,
    );
  }
}

/** Where Fairway has rules on a node that is only to be observed. What cannot be looked at, for want of nft say, has none. */
export async function rulesLeft(kernel: Pick<Kernel, 'sandboxes' | 'show'>): Promise<readonly string[]> {
  const namespaces: readonly Namespace[] = ['host', ...(await kernel.sandboxes()).keys()];
  const shown = await Promise.all(namespaces.map((namespace) => kernel.show(namespace).catch(() => undefined)));
  return namespaces.flatMap((namespace, at) => (shown[at] === undefined ? [] : [nameOf(namespace)]));
}

/** What only a node that serves can do. */
export class OnlyObserves extends Error {
  constructor() {
    super('this node only observes, and Fairway routes nothing on it: start its node process without --observe first');
  }
}

const why =
  'this node only observes (--observe), and Fairway routes nothing on it; fairway audit tells how Docker does';

/** In the executor's place on a node where Fairway is to route nothing: it has no kernel to write to, and says so of each revision. */
export function startObserver({
  bus,
  replica,
  log,
  tracer = untraced,
  nowMs = Date.now,
  clock = realClock,
}: Options): Executor {
  const traces = new ApplyTraces(tracer);
  const report = new OutcomeReport({ bus, log, nowMs, clock });
  let own: WatchedFacts | undefined;
  let causes: readonly Cause[] = [];
  const loop = new RoundLoop({
    clock,
    isReady: () => own !== undefined,
    async round() {
      const brings = causes;
      causes = [];
      if (!own) return 'brought';
      const { mesh } = replica;
      const trace = traces.begin(own.node, mesh.generation.revision, brings);
      trace.unended();
      report.applied(own.node, withoutRules(own.node, mesh, brings, trace.traceparent, why));
      return 'brought';
    },
  });
  return {
    meshChanged(added) {
      causes = keepCauses(causes, added);
      loop.wake();
    },
    ownChanged(facts) {
      own = facts;
      loop.wake();
    },
    dockerStarted() {},
    leftSwarm() {
      own = undefined;
    },
    handOver: () => Promise.reject(new OnlyObserves()),
    takeBack: () => Promise.reject(new OnlyObserves()),
    planned: () => undefined,
    async stop() {
      await loop.stop();
      report.stop();
    },
  };
}
