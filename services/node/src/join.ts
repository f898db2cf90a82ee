import {
  type Clock,
  MeshReplica,
  type Message,
  type NodeBus,
  realClock,
  type SavedOwn,
  Verdicts,
  Words,
  wordCause,
} from '@fairway/bus';
import {
  type Came,
  type Disk,
  type Executor,
  type Kernel,
  type Known,
  MeshFile,
  startExecutor,
  startObserver,
} from '@fairway/executor';
import { type Word, withdraws } from '@fairway/mesh';
import type { Log, Tracer } from '@fairway/telemetry';
import { type Docker, meshView, startWatcher, type Clock as WatcherClock } from '@fairway/watcher';
import type { HeartOf } from './heart.ts';
import type { OwnFile } from './own-file.ts';
import { OwnWords } from './own-words.ts';

type Options = {
  readonly bus: NodeBus;
  readonly docker: Docker;
  readonly kernel: Kernel;
  /** The swarm that the node is in, whose mesh alone is read from `meshPath`. */
  readonly swarm: string;
  readonly meshPath: string;
  readonly log: Log;
  /** Told which node this is and how it lives, and undefined when it left its swarm. */
  readonly onOwn?: (own: HeartOf | undefined) => void;
  /** Told what the node has to say to the others of its own tasks, and as a manager of all. */
  readonly onWord?: (word: Word) => void;
  /** Told which nodes there are, whenever they are others. */
  readonly onNodes?: (nodes: readonly string[]) => void;
  readonly tracer?: Tracer;
  /** Hears what each of the executor's rounds came to, and what others did. */
  readonly onCame?: (came: Came) => void;
  readonly handedOver?: boolean;
  /** Whether nothing is to be routed on this node. */
  readonly observes?: boolean;
  readonly repairsOverlays?: boolean;
  readonly disk?: Disk;
  /** Where the node keeps what it knows of itself, and what it knew last, which counts until its Docker speaks. */
  readonly ownFile?: OwnFile;
  readonly remembered?: SavedOwn | undefined;
  /** The machine's own where there is none. */
  readonly clock?: Clock & WatcherClock;
  readonly boot?: string;
  readonly newId?: () => string;
};

/** Watcher and executor side by side. */
export type JoinedNode = {
  readonly executor: Executor;
  readonly replica: MeshReplica;
  /** The mesh, and what the node knows of itself; undefined where it is in no swarm, or does not know it yet. */
  known(): Known | undefined;
  /** A sentinel said that a node is down. */
  hearVerdict(message: Message): void;
  /** Another node said this of a task of its own, or a manager of any. */
  hearWord(word: Word): void;
  /** The rules stay in the kernel. */
  stop(): Promise<void>;
};

/**
 * Joins watcher and executor on one copy of the mesh: what the watcher sees of this node reaches the executor in memory
 * first and the bus second. The mesh on disk is acted on until the bus has a complete one.
 */
export async function joinNode({
  bus,
  docker,
  kernel,
  swarm,
  meshPath,
  log,
  onOwn = () => {},
  onWord = () => {},
  onNodes = () => {},
  disk,
  ownFile,
  remembered,
  clock,
  boot,
  newId,
  tracer,
  onCame,
  handedOver,
  observes = false,
  repairsOverlays,
}: Options): Promise<JoinedNode> {
  const file = new MeshFile(meshPath, log, clock, disk);
  const saved = await file.read(swarm);
  if (saved) log.info('the mesh on disk is acted on until the bus has a complete one', { revision: saved.revision });
  const ahead = { clock: clock ?? realClock };
  const wallMs = () => clock?.nowMs() ?? Date.now();
  const words = new Words({
    ...ahead,
    withdraws: (word) => withdraws(word, replica.recorded),
    onChange: (news) => executor.meshChanged(news ? [wordCause(news)] : []),
  });
  let told: ReadonlyMap<string, unknown> | undefined;
  let count = 0;
  /** A copy of the mesh has one map of nodes, of which each change of the mesh adds or removes one at most. */
  const noteNodes = () => {
    const { nodes } = replica.recorded;
    if (nodes === told && nodes.size === count) return;
    told = nodes;
    count = nodes.size;
    onNodes([...nodes.keys()]);
  };
  const replica = new MeshReplica({
    ...(saved ? { saved } : {}),
    words,
    onChange: (causes) => {
      executor.meshChanged(causes);
      noteNodes();
      file.save(swarm, () => replica.entries);
    },
    onUnreadable: (error) => {
      log.warn('an entry of the mesh cannot be read and stays as it was', { reason: error.message });
    },
  });
  const verdicts = new Verdicts({ ...ahead, onChange: (all, news) => replica.judge(all, news) });
  const say = (word: Word) => {
    onWord(word);
    // Of its own tasks the node goes by its own eyes.
    if (word.state === 'released') words.hear(word);
  };
  const ownWords = new OwnWords({ ...ahead, wallMs, mesh: () => replica.recorded, say });
  let ownFacts: SavedOwn | undefined = remembered;
  const both = { ...(tracer ? { tracer } : {}), ...(clock ? { clock } : {}) };
  const applying = { bus, replica, log: log.with({ part: 'executor' }), ...both, nowMs: wallMs };
  const executor = observes
    ? startObserver(applying)
    : startExecutor({
        ...applying,
        kernel,
        ...(onCame ? { onCame } : {}),
        ...(handedOver === undefined ? {} : { handedOver }),
        ...(repairsOverlays === undefined ? {} : { repairsOverlays }),
      });
  const watcher = startWatcher({
    docker,
    bus,
    view: meshView(replica),
    log: log.with({ part: 'watcher' }),
    ...both,
    ...(boot === undefined ? {} : { boot }),
    ...(newId ? { newId } : {}),
    onOwn: (change, own) => {
      ownWords.heed(change, own);
      if (change.kind === 'released') return;
      onOwn(own);
      ownFacts = own;
      ownFile?.save(() => ownFacts);
      if (change.kind === 'identity') executor.dockerStarted();
      if (own) executor.ownChanged(own, change.kind === 'container' ? change.trace : undefined);
      else executor.leftSwarm();
    },
  });
  if (remembered) executor.ownChanged(remembered);
  const following = bus.mesh.follow(replica.follower);
  return {
    executor,
    replica,
    known: () => ownFacts && { mesh: replica.mesh, own: ownFacts },
    hearVerdict: (message) => verdicts.hear(message),
    hearWord: (word) => words.hear(word),
    async stop() {
      verdicts.stop();
      words.stop();
      ownWords.stop();
      await watcher.stop();
      await following.stop();
      await executor.stop();
      await file.stop();
      await ownFile?.stop();
    },
  };
}
