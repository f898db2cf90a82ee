import { type Clock, every, type MeshReplica, type NodeBus, realClock } from '@fairway/bus';
import {
  type Cause,
  causesMax,
  keepCauses,
  type Mesh,
  type Note,
  type Outcome,
  type OwnFacts,
  plan,
  type WatchedFacts,
} from '@fairway/mesh';
import { describe, type Log, type Tracer, untraced } from '@fairway/telemetry';
import { ApplyFailed } from './applied.ts';
import { type ApplyTrace, ApplyTraces } from './apply-trace.ts';
import { DriftReport } from './drift-report.ts';
import { DriftWatch } from './drift-watch.ts';
import type { Planned } from './explain.ts';
import { HeldRules } from './held-rules.ts';
import { HostCheck } from './host-check.ts';
import { NamespaceMissing } from './kernel/failures.ts';
import { fileOf, type Kernel, type Namespace, type Sandbox } from './kernel/kernel.ts';
import { Leaving, leftToDocker } from './leaving.ts';
import { OutcomeReport } from './outcome-report.ts';
import { OverlayReach } from './overlay/overlay-reach.ts';
import { Refusals } from './refusals.ts';
import { RoundLoop, type RoundResult } from './round-loop.ts';
import { wishFromPlan } from './rules/wish.ts';
import { stillDrains } from './still-drains.ts';
import { toldNotes } from './told-notes.ts';

type Options = {
  readonly bus: NodeBus;
  readonly kernel: Kernel;
  readonly replica: MeshReplica;
  readonly log: Log;
  readonly tracer?: Tracer;
  /** Hears what each round came to, and what others did, whether the bus answers or not. */
  readonly onCame?: (came: Came) => void;
  /** Whether the node was left to Docker before it was started. */
  readonly handedOver?: boolean;
  /** Whether ways that Docker's gossip took away from an overlay with a node that is there are put back; not unless told. */
  readonly repairsOverlays?: boolean;
  /** The wall clock, for times that are shown. */
  readonly nowMs?: () => number;
  readonly clock?: Clock;
};

/** What a round came to, or others did. */
export type Came =
  | { readonly kind: 'applied'; readonly to: number }
  | { readonly kind: 'failed' }
  | Pick<Extract<Outcome, { readonly kind: 'drifted' | 'repaired' }>, 'kind' | 'namespace' | 'found'>;

/** A running executor. */
export type Executor = {
  /** The mesh has changed, for these reasons. */
  meshChanged(causes: readonly Cause[]): void;
  /** What the node knows itself has changed; what it says now, and the traceparent of the event behind it. */
  ownChanged(own: WatchedFacts, trace?: string): void;
  /** Docker was started: its sandboxes are new, though one may have the inode number of an old one. */
  dockerStarted(): void;
  /** The machine is in no swarm any more: its ports are its own again. */
  leftSwarm(): void;
  /**
   * Takes Fairway's rules away in every namespace, and keeps them away until `takeBack`: Docker's own mesh serves, where
   * the kernel has IPVS. Gives the namespaces that were released.
   * @throws ApplyFailed with the first that could not be; the others are released, and it goes on trying
   */
  handOver(): Promise<readonly Namespace[]>;
  /**
   * Brings them back, and ends once they are there.
   * @throws NotServedYet where they are not in time; it goes on all the same
   */
  takeBack(): Promise<void>;
  /** What it made of the mesh last; undefined before its first plan. */
  planned(): Planned | undefined;
  stop(): Promise<void>;
};

/** A node that was taken back does not have all its rules yet. */
class NotServedYet extends Error {
  constructor(lacking: string) {
    const why = lacking && `: ${lacking}`;
    super(`its rules are not all there after ${takeBackMaxMs / 1000} s, and it goes on trying${why}`);
  }
}

/** Less than who asks for it waits. */
const takeBackMaxMs = 10_000;
/** How often it looks whether tasks that drain have connections, while there are any. */
const drainCheckMs = 5_000;

/**
 * Starts the executor: the mesh and the node's own facts to a plan, the plan to rules, the rules to the kernel, the
 * outcome to the bus. One round at a time; what changes meanwhile is in the next one.
 */
export function startExecutor({
  bus,
  kernel,
  replica,
  log,
  tracer = untraced,
  onCame = () => {},
  handedOver: wasHandedOver = false,
  repairsOverlays = false,
  nowMs = Date.now,
  clock = realClock,
}: Options): Executor {
  const drifts = new DriftReport(log, (drift, trace) => {
    onCame(drift);
    if (own) report.drift(own.node, replica.mesh.generation, drift, trace);
  });
  const rules = new HeldRules(
    kernel,
    clock,
    () => loop.wake(),
    (drift) => drifts.told(drift),
  );
  const leaving = new Leaving(rules);
  const traces = new ApplyTraces(tracer);
  const report = new OutcomeReport({ bus, log, nowMs, clock });
  const sandboxes = new Map<Sandbox, string>();
  let own: WatchedFacts | undefined;
  let causes: readonly Cause[] = [];
  /** The machine left its swarm, and its ports are not yet its own again. */
  let left = false;
  /** It is in none: the host is left as it is. */
  let isOutside = false;
  let handedOver = wasHandedOver;
  /** Leaving the node to Docker and taking it back are begun one after the other: what one still removes the other would miss. */
  let handing: Promise<unknown> = Promise.resolve();
  let applied: string | undefined;
  let planned: Planned | undefined;
  /** What a round that brought all of the mesh's rules resolves. */
  let served = Promise.withResolvers<void>();
  /** Why the last round did not bring all rules; empty where it did, or there was none. */
  let lacking = '';
  /** What was said to take long. */
  let waitingSaid = '';

  const refusals = new Refusals(log);
  const repairs = () => repairsOverlays && replica.isCurrent;
  const overlays = new OverlayReach({ kernel, clock, log, repairs, onDue: () => loop.wake() });
  const host = new HostCheck({
    kernel,
    log,
    isOff: () => handedOver || isOutside,
    onRepaired: (found) => {
      for (const kind of ['drifted', 'repaired'] as const) drifts.told({ kind, namespace: 'host forwarding', found });
    },
  });
  const loop = new RoundLoop({ clock, isReady: () => own !== undefined || left, round: nextRound });

  async function nextRound(): Promise<RoundResult> {
    if (left && !(await release())) return 'failed';
    if (!own) return 'brought';
    const brings = causes;
    causes = [];
    const mesh = replica.mesh;
    const { node } = own;
    const isServing = !handedOver;
    const trace = traces.begin(node, mesh.generation.revision, brings);
    const { failures, waiting }: Unbrought = await round(mesh, own, brings, trace).catch((error) => ({
      failures: [error],
      waiting: [],
    }));
    sayWaiting(waiting);
    lacking = [...failures.map(describe), ...waiting.map((namespace) => `the kernel of ${namespace}`)].join('; ');
    if (failures.length > 0) {
      causes = keepCauses(brings, causes);
      trace.failed(failures);
      fail(failures, node, mesh, brings, trace.traceparent);
      onCame({ kind: 'failed' });
      return 'failed';
    }
    if (waiting.length > 0) {
      causes = keepCauses(brings, causes);
      trace.unended();
      return 'waiting';
    }
    if (isServing) served.resolve();
    return 'brought';
  }

  /** Gives the host its ports back; whether it did. It has no swarm to tell of a failure. */
  async function release(): Promise<boolean> {
    left = false;
    planned = undefined;
    applied = undefined;
    overlays.clear();
    host.forget();
    try {
      await rules.release('host');
      return true;
    } catch (error) {
      left = true;
      log.error('the table on the host could not be removed; trying again', {
        reason: describe(error),
        afterMs: loop.retryMs,
      });
      return false;
    }
  }

  /** Once for as long as it is the same ones. */
  function sayWaiting(waiting: readonly Namespace[]): void {
    const namespaces = [...waiting].sort().join(', ');
    if (namespaces && namespaces !== waitingSaid)
      log.warn('the kernel takes long; what comes next there waits, and nothing else does', { namespaces });
    waitingSaid = namespaces;
  }

  /** What it did not bring; without any all namespaces are as the mesh wants them. */
  async function round(
    mesh: Mesh,
    watched: WatchedFacts,
    brings: readonly Cause[],
    trace: ApplyTrace,
  ): Promise<Unbrought> {
    if (handedOver) {
      const failures = await leaving.release([...sandboxes.keys()]);
      if (failures.length > 0) return { failures, waiting: [] };
      report.applied(watched.node, leftToDocker(watched.node, mesh, brings, trace.traceparent));
      return allBrought;
    }
    const facts = await withKernelFacts(mesh, watched);
    const wish = plan(mesh, facts);
    const rulesWanted = wishFromPlan(wish, kernel.schedulers);
    const notes = [...unreadNotes(replica.unreadable), ...wish.notes, ...rulesWanted.notes];
    planned = { mesh, own: facts, plan: wish, notes };
    refusals.say(notes);
    const result = await rules.bring(rulesWanted, wish.prune, stillDrains(mesh, facts, wish), trace.nft);
    const { added, removed } = result.changes;
    for (const found of result.rebuilt)
      log.warn('the table was not as Fairway writes it and was built anew', { found });
    if (added + removed > 0) {
      const { revision } = mesh.generation;
      const why = brings.map(({ event }) => event).join(', ') || undefined;
      log.info('applied', { revision, added, removed, ms: Number(result.durationMs.toFixed(1)), why });
    }
    if (result.failures.length > 0 || result.waiting.length > 0) return result;
    trace.ended(result.changes, notes);
    const watermark = `${mesh.generation.epoch} ${mesh.generation.revision} ${JSON.stringify(notes)}`;
    if (added + removed === 0 && watermark === applied) return allBrought;
    applied = watermark;
    onCame({ kind: 'applied', to: mesh.generation.revision });
    report.applied(facts.node, {
      generation: mesh.generation,
      durationMs: result.durationMs,
      changes: result.changes,
      causes: brings,
      notes: toldNotes(notes),
      trace: trace.traceparent,
    });
    return allBrought;
  }

  async function withKernelFacts(mesh: Mesh, watched: WatchedFacts): Promise<OwnFacts> {
    const names = new Set([...sandboxes.keys()].map(fileOf));
    return { ...watched, sandboxes: names, ...(await overlays.look(mesh, watched, names)) };
  }

  function fail(failures: readonly Error[], node: string, mesh: Mesh, brings: readonly Cause[], trace: string): void {
    for (const failure of failures) {
      const namespace = failure instanceof ApplyFailed ? failure.namespace : 'node';
      const reason = describe(failure);
      const missing = failure instanceof ApplyFailed && failure.cause instanceof NamespaceMissing;
      log[missing ? 'warn' : 'error']('could not apply; trying again', { namespace, reason, afterMs: loop.retryMs });
      report.failed(node, mesh.generation, namespace, reason, brings.slice(-causesMax), trace);
    }
    applied = undefined;
  }

  host.look();
  const drift = new DriftWatch({
    kernel,
    clock,
    onSuspect: (namespace) => rules.suspect(namespace),
    onChange(namespace) {
      // Where the node is left to Docker there is nothing of Fairway's that could be changed.
      if (handedOver) return;
      if (namespace === 'host') host.look();
      loop.wake();
    },
    onCheck() {
      if (handedOver) return;
      host.look();
      // What failed is tried again in its own time, and looks then.
      if (!loop.isRetrying) loop.wake();
    },
  });
  drift.watch('host');
  const endDrainChecks = every(clock, drainCheckMs, () => {
    if (rules.lookAtDraining()) loop.wake();
  });
  let hadIngress = false;
  const watching = kernel.watchSandboxes((sandbox, id) => {
    if (id === undefined) {
      sandboxes.delete(sandbox);
      rules.drop(sandbox);
      drift.forget(sandbox);
      log.info('a sandbox is gone', { sandbox });
    } else {
      const isAnew = sandboxes.has(sandbox) || (sandbox === 'ingress' && hadIngress);
      log.info('a sandbox is there', { sandbox });
      sandboxes.set(sandbox, id);
      hadIngress ||= sandbox === 'ingress';
      // One of a network comes and goes with the tasks that are here.
      if (isAnew && !handedOver) rules.remade(sandbox);
      else rules.doubt(sandbox);
      overlays.forget(sandbox);
      drift.watch(sandbox);
    }
    if (sandbox === 'ingress') host.look();
    loop.wake();
  });

  /** Takes all of Fairway's rules away. What could not be taken is tried again by the rounds that follow. */
  async function leaveToDocker(): Promise<readonly Namespace[]> {
    handedOver = true;
    leaving.begin();
    await loop.ended();
    planned = undefined;
    applied = undefined;
    overlays.clear();
    host.forget();
    const held = [...sandboxes.keys()];
    const [failure] = await leaving.release(held);
    loop.wake();
    if (failure) throw failure;
    const namespaces: readonly Namespace[] = ['host', ...held];
    log.info('this node is left to Docker; Fairway has no rules here', { namespaces: namespaces.join(', ') });
    return namespaces;
  }

  return {
    meshChanged(added) {
      causes = keepCauses(causes, added);
      loop.wake();
    },
    ownChanged(facts, trace) {
      // Docker made the bridge anew, or the machine joined again.
      const isHostNew = isOutside || (own !== undefined && facts.gateway?.text !== own.gateway?.text);
      own = facts;
      isOutside = false;
      if (isHostNew) host.look();
      if (trace !== undefined) traces.own(trace);
      loop.wake();
    },
    dockerStarted() {
      for (const sandbox of sandboxes.keys()) {
        rules.doubt(sandbox);
        overlays.forget(sandbox);
      }
      host.look();
      loop.wake();
    },
    leftSwarm() {
      own = undefined;
      planned = undefined;
      isOutside = true;
      // The one that Docker makes when it joins again is nobody's doing.
      hadIngress = false;
      log.info('this machine left its swarm; the table on the host is removed');
      left = true;
      loop.wake();
    },
    handOver() {
      const leaving = handing.then(leaveToDocker);
      handing = leaving.catch(() => {});
      return leaving;
    },
    async takeBack() {
      const back = Promise.withResolvers<void>();
      handing = handing.then(() => {
        handedOver = false;
        lacking = '';
        served = back;
        host.look();
        loop.wake();
      });
      await handing;
      const cancel = clock.after(takeBackMaxMs, () => back.reject(new NotServedYet(lacking)));
      await back.promise.finally(cancel);
      log.info('this node is served by Fairway again');
    },
    planned: () => planned,
    async stop() {
      drift.stop();
      endDrainChecks();
      watching.close();
      overlays.stop();
      await loop.stop();
      report.stop();
    },
  };
}

function unreadNotes(unreadable: ReadonlyMap<string, string>): readonly Note[] {
  return [...unreadable].map(([key, reason]) => ({
    kind: 'refused',
    about: key,
    why: `this node cannot read it and goes on with what it had: ${reason}`,
  }));
}

/** What a round did not bring: what failed, and where it goes on by itself. */
type Unbrought = { readonly failures: readonly Error[]; readonly waiting: readonly Namespace[] };
const allBrought: Unbrought = { failures: [], waiting: [] };
