import { type Bus, type Clock, every, type MeshReplica, realClock } from '@fairway/bus';
import {
  type Cause,
  causesMax,
  ingressNetwork,
  keepCauses,
  type Mesh,
  type OwnFacts,
  plan,
  stateHere,
  type WatchedFacts,
} from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import { ApplyFailed, HeldRules } from './held-rules.ts';
import { NamespaceMissing } from './kernel/failures.ts';
import type { Kernel } from './kernel/kernel.ts';
import { OutcomeReport } from './outcome-report.ts';
import type { Stale } from './rules/difference.ts';
import { wishFromPlan } from './rules/wish.ts';

type Options = {
  readonly bus: Bus;
  readonly kernel: Kernel;
  readonly replica: MeshReplica;
  readonly log: Log;
  /** The wall clock, for times that are shown. */
  readonly nowMs?: () => number;
  readonly clock?: Clock;
};

/** A running executor. */
export type Executor = {
  /** The mesh has changed, for these reasons. */
  meshChanged(causes: readonly Cause[]): void;
  /** What the node knows itself has changed; what it says now. */
  ownChanged(own: WatchedFacts): void;
  /** Docker was started: its sandboxes are new, though one may have the inode number of an old one. */
  dockerStarted(): void;
  /** The machine is in no swarm any more: its ports are its own again. */
  leftSwarm(): void;
  stop(): Promise<void>;
};

/** After a failure it tries again after this time, twice as long each time. */
const retryMinMs = 100;
const retryMaxMs = 5_000;
/** How often it looks whether the host still leads packets to the sandbox. */
const hostCheckMs = 10_000;

/**
 * Starts the executor: the mesh and the node's own facts to a plan, the plan to rules, the rules to the kernel, the
 * outcome to the bus. One round at a time; what changes meanwhile is in the next one.
 */
export function startExecutor({ bus, kernel, replica, log, nowMs = Date.now, clock = realClock }: Options): Executor {
  const rules = new HeldRules(kernel);
  const report = new OutcomeReport({ bus, log, nowMs, clock });
  let own: WatchedFacts | undefined;
  let causes: readonly Cause[] = [];
  let wanted = false;
  let running: Promise<void> | undefined;
  let retryMs = retryMinMs;
  let cancelRetry = () => {};
  let stopped = false;
  let applied: string | undefined;

  const wake = () => {
    wanted = true;
    if (stopped || running || !own) return;
    cancelRetry();
    running = rounds().finally(() => {
      running = undefined;
      // What came after the last round had looked, and found it running.
      if (wanted) wake();
    });
  };

  async function rounds(): Promise<void> {
    while (wanted && own && !stopped) {
      wanted = false;
      const brings = causes;
      causes = [];
      const facts: OwnFacts = { ...own, sandboxes: new Set() };
      const mesh = replica.mesh;
      try {
        await round(mesh, facts, brings);
        retryMs = retryMinMs;
      } catch (error) {
        causes = keepCauses(brings, causes);
        fail(error, mesh, facts, brings);
        return;
      }
    }
  }

  async function round(mesh: Mesh, facts: OwnFacts, brings: readonly Cause[]): Promise<void> {
    const wish = plan(mesh, facts);
    const rulesWanted = wishFromPlan(wish);
    const notes = [...wish.notes, ...(rulesWanted?.notes ?? [])];
    const result = rulesWanted
      ? await rules.bring(rulesWanted, wish.prune, stillDrains(mesh, facts))
      : { durationMs: 0, changes: { added: 0, removed: 0 }, rebuilt: [] };
    const { added, removed } = result.changes;
    for (const found of result.rebuilt)
      log.warn('the table was not as Fairway writes it and was built anew', { found });
    if (added + removed > 0) {
      const { revision } = mesh.generation;
      const why = brings.map(({ event }) => event).join(', ') || undefined;
      log.info('applied', { revision, added, removed, ms: Number(result.durationMs.toFixed(1)), why });
    }
    const watermark = `${mesh.generation.epoch} ${mesh.generation.revision} ${JSON.stringify(notes)}`;
    if (added + removed === 0 && watermark === applied) return;
    applied = watermark;
    report.applied(facts.node, {
      generation: mesh.generation,
      durationMs: result.durationMs,
      changes: result.changes,
      causes: brings,
      notes,
    });
  }

  function fail(error: unknown, mesh: Mesh, facts: OwnFacts, brings: readonly Cause[]): void {
    const namespace = error instanceof ApplyFailed ? error.namespace : 'node';
    const reason = describe(error);
    const missing = error instanceof ApplyFailed && error.cause instanceof NamespaceMissing;
    log[missing ? 'warn' : 'error']('could not apply; trying again', { namespace, reason, afterMs: retryMs });
    applied = undefined;
    report.failed(facts.node, mesh.generation, namespace, reason, brings.slice(-causesMax));
    cancelRetry = clock.after(retryMs, wake);
    retryMs = Math.min(retryMs * 2, retryMaxMs);
  }

  let hostSaid = '';
  const ensureHost = async () => {
    try {
      const { changed, waitingFor } = await kernel.ensureHost();
      if (changed.length > 0) log.info('the host was made to lead packets to the sandbox', { changed });
      const waits = waitingFor.join(', ');
      if (waits && waits !== hostSaid) log.info('waiting for Docker', { waitingFor: waits });
      hostSaid = waits;
    } catch (error) {
      log.error('the host does not lead packets to the sandbox; trying again', { reason: describe(error) });
    }
  };
  void ensureHost();
  const endHostChecks = every(clock, hostCheckMs, () => void ensureHost());
  const sandboxes = kernel.watchSandboxes((id) => {
    log.info(id === undefined ? 'the ingress sandbox is gone' : 'Docker made an ingress sandbox');
    rules.doubt('ingress');
    void ensureHost();
    wake();
  });

  return {
    meshChanged(added) {
      causes = keepCauses(causes, added);
      wake();
    },
    ownChanged(facts) {
      own = facts;
      wake();
    },
    dockerStarted() {
      rules.doubt('ingress');
      void ensureHost();
      wake();
    },
    leftSwarm() {
      own = undefined;
      applied = undefined;
      log.info('this machine left its swarm; the table on the host is removed');
      running = Promise.resolve(running)
        .then(() => rules.release('host'))
        .catch((error) => log.error('the table on the host could not be removed', { reason: describe(error) }))
        .finally(() => {
          running = undefined;
          if (wanted) wake();
        });
    },
    async stop() {
      stopped = true;
      cancelRetry();
      endHostChecks();
      sandboxes.close();
      await running;
      report.stop();
    },
  };
}

/**
 * A draining task finishes what it has: its TCP connections stay tracked though it gets no new ones. UDP has no
 * connections to finish, only entries that would lead to it for ever.
 */
function stillDrains(mesh: Mesh, own: OwnFacts): (stale: Stale) => boolean {
  let alive: ReadonlySet<string> | undefined;
  return (stale) => {
    if (stale.carrier !== 'tcp') return false;
    alive ??= livingAddresses(mesh, own);
    return alive.has(stale.target.address.text);
  };
}

/** The addresses on the ingress network at which a container lives, whether or not it gets new connections. */
function livingAddresses(mesh: Mesh, own: OwnFacts): ReadonlySet<string> {
  const ingress = ingressNetwork(mesh);
  return new Set(
    [...mesh.services.values()]
      .flatMap(({ endpoints }) => endpoints)
      .filter((endpoint) => stateHere(endpoint, mesh, own) !== 'gone')
      .flatMap(({ addresses }) => addresses)
      .filter(({ network }) => network === ingress?.id)
      .map(({ address }) => address.text),
  );
}
