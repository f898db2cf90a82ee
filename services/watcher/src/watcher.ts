import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isId, type NodeBus, type Stoppable, senderOf, subjects } from '@fairway/bus';
import { describe, type Log, type Tracer, untraced } from '@fairway/telemetry';
import { backoffMs, type Clock, pause, systemClock } from './clock.ts';
import type { Docker } from './docker.ts';
import { EpochWatch } from './epoch-watch.ts';
import type { MeshView } from './mesh-view.ts';
import { Outbox } from './outbox.ts';
import { type Own, type OwnChange, withChange } from './own.ts';
import { checkEveryMs, Session } from './session.ts';

export type WatcherOptions = {
  readonly docker: Docker;
  readonly bus: NodeBus;
  /** What the mesh holds, so that what Docker no longer has is asked for. */
  readonly view: MeshView;
  readonly log: Log;
  readonly tracer?: Tracer;
  /** Told what this node learns of itself and all that it knows by then, in memory and before the bus is. */
  readonly onOwn?: (change: OwnChange, own: Own | undefined) => void;
  /** The kernel's boot id, as in /proc/sys/kernel/random/boot_id, which is read without it. */
  readonly boot?: string;
  readonly clock?: Clock;
  /** Gives each complete listing an id that no other has; random ones without it. */
  readonly newId?: () => string;
};

/** A running watcher. */
export type Watcher = {
  /** What this node knows of itself by now; undefined before Docker was reached. */
  own(): Own | undefined;
  /** How many facts the bus has not acknowledged yet. */
  waiting(): number;
  stop(): Promise<void>;
};

/**
 * Turns what a node's Docker says into facts on the bus: on every node the containers of its tasks, on managers also
 * services with their tasks, nodes and networks. It outlives Docker and the bus: it waits for either, saying so once,
 * and lists everything anew when one was lost. Never throws.
 */
export function startWatcher(options: WatcherOptions): Watcher {
  const { docker, bus, view, log, tracer = untraced, onOwn, clock = systemClock, newId = randomUUID } = options;
  const boot = options.boot ?? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const end = new AbortController();
  let own: Own | undefined;
  let node: string | undefined;
  let session: Session | undefined;
  let busLost = false;
  let listedEpoch: string | undefined;
  let failures = 0;

  const outbox = new Outbox({ bus, clock, log, tracer, onFailure: () => epochs.check() });
  const open = () => {
    if (node && epochs.epoch) outbox.open(node, epochs.epoch);
  };
  const epochs = new EpochWatch({
    bus,
    clock,
    log,
    onEpoch: () => {
      open();
      session?.resync();
    },
    onNone: () => outbox.close(),
  });

  const tell = (change: OwnChange) => {
    own = withChange(own, change);
    if (own || change.kind === 'left') onOwn?.(change, own);
  };
  let heard: Stoppable | undefined;
  /** Managers list a service when any node speaks of it; to others it is nothing, and no server lets them hear it. */
  const hearContainers = (manager: boolean) => {
    if (manager === (heard !== undefined)) return;
    void heard?.stop();
    heard = undefined;
    if (!manager) return;
    heard = bus.subscribe(subjects.containerFacts, ({ subject }) => {
      // This node's own containers were heard of before they were published.
      if (senderOf(subject) === node) return;
      const service = subject.split('.')[4];
      if (service && isId(service)) session?.handleContainer(service);
    });
  };
  const sessionOptions = {
    docker,
    clock,
    log,
    tracer,
    view,
    boot,
    newId,
    epoch: () => epochs.epoch,
    viewIsCurrent: () => !busLost && epochs.epoch !== undefined && view.isComplete(epochs.epoch),
    firstListing: (epoch: string) => {
      const first = listedEpoch !== epoch;
      listedEpoch = epoch;
      return first;
    },
    own: () => own,
    tell,
    offer: (outgoing: Parameters<Outbox['offer']>[0]) => outbox.offer(outgoing),
    onManager: hearContainers,
    onNode: (id: string) => {
      if (failures > 0) log.info('Docker answers');
      failures = 0;
      if (id === node) return;
      node = id;
      open();
    },
  };

  bus.onState((state, detail) => {
    if (end.signal.aborted) return;
    if (state === 'lost') {
      busLost = true;
      return;
    }
    const wasLost = busLost;
    busLost = false;
    const before = epochs.epoch;
    epochs.checkNow();
    outbox.retryNow();
    // What was stored before a loss may not have survived it. Another epoch brings its own resync.
    if (wasLost && before !== undefined) session?.resync();
    log.debug('The bus is there', { detail });
  });

  const checkEpoch = () => {
    epochs.check();
    cancelCheck = clock.after(checkEveryMs, checkEpoch);
  };
  let cancelCheck = () => {};
  checkEpoch();

  const run = async () => {
    while (!end.signal.aborted) {
      try {
        session = await Session.open(sessionOptions);
        if (end.signal.aborted) break;
        await session.run();
      } catch (error) {
        if (end.signal.aborted) break;
        if (failures === 0) log.warn('Docker cannot be reached; waiting', { why: describe(error) });
        await pause(clock, backoffMs(failures++), end.signal);
      }
      session = undefined;
    }
    session?.stop();
  };
  const running = run();

  return {
    own: () => own,
    waiting: () => outbox.size,
    stop: async () => {
      end.abort();
      session?.stop();
      outbox.stop();
      epochs.stop();
      cancelCheck();
      await heard?.stop();
      await running;
    },
  };
}
