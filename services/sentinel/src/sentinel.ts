import {
  type Bus,
  type Clock,
  every,
  MeshReplica,
  outlookEveryMs,
  outlookMessage,
  readSight,
  realClock,
  shutMs,
  subjects,
  verdictEveryMs,
  verdictMessage,
  writeProbe,
} from '@fairway/bus';
import {
  type Incarnation,
  isSameLife,
  type Mesh,
  type Reach,
  type RecordedReach,
  type Sight,
  sameIncarnation,
  type Vote,
} from '@fairway/mesh';
import { type Log, type Span, spanAttributes, spanEvents, spanNames, type Tracer, untraced } from '@fairway/telemetry';
import { Ears } from './ears.ts';
import { Hearing } from './hearing.ts';
import { isAskedAbout, isServing, type Life, type LifeEvent, step } from './node-life.ts';
import { expectedNodes, outlookOf } from './outlook.ts';
import { type Judgement, Records } from './records.ts';
import { count, peersOf, quorumOf } from './votes.ts';

type Options = {
  /** Where the mesh is followed, and what was judged is recorded. */
  readonly bus: Bus;
  readonly log: Log;
  readonly tracer?: Tracer;
  /** The wall clock, for times that are shown. */
  readonly nowMs?: () => number;
  readonly clock?: Clock;
  /** How often it looks who is silent, milliseconds: a fraction of the time between two beats. */
  readonly lookMs?: number;
};

/** A running sentinel. What it keeps it hears again within a second. */
export type Sentinel = {
  /** From now on beats are heard by this connection too; there is to be one to each server of the bus. */
  through(ear: Bus): void;
  stop(): Promise<void>;
};

/** Of the beats' usual time. */
const lookMsStandard = 25;
/** So long a peer has to say what it found. */
const askMs = 400;
/** Where peers reach a node that is silent, and where nobody could say, they are asked again after so long. */
const againMs = { refuted: 1_000, unknown: 200, confirmed: 1_000 };

/** So often peers are asked whether they reach a node that is back, where none can say; then its beats are believed. */
const triesMax = 5;

/** A node as this sentinel sees it. */
type Watched = {
  life: Life;
  judgement?: Judgement;
  /** Since its peers were asked. */
  span?: Span;
  againAtMs: number;
  /** How often its peers were asked in vain since it is back. */
  tries: number;
  /** Peers that could not say anything when they were asked last: others are asked first. */
  unable: ReadonlySet<string>;
  /** The last of its records that was heeded, by epoch and revision, and its life in the mesh. */
  recorded: string;
  incarnation: Incarnation | undefined;
};

/** Starts a sentinel. Any number may run: what one of them records the others take over. */
export function startSentinel({
  bus,
  log,
  tracer = untraced,
  nowMs = Date.now,
  clock = realClock,
  lookMs = lookMsStandard,
}: Options): Sentinel {
  const by = bus.sender;
  const hearing = new Hearing(clock);
  const watched = new Map<string, Watched>();
  const replica = new MeshReplica({
    onChange: () => withMesh(heed),
    onUnreadable: (error) => log.warn('an entry of the mesh cannot be read', { reason: error.message }),
  });
  const ears = new Ears(by, watched, {
    clock,
    onSaid: (beat) => {
      if (hearing.hear(beat)) happen(beat.node, 'beat');
    },
    onUnreadable: (error) => log.warn('a beat cannot be read', { reason: error.message }),
    onFlood: (node) =>
      log.warn('a node floods with beats, and is not heard for a while', { node: nameOf(node), forMs: shutMs }),
  });
  const records = new Records({ by, bucket: bus.mesh, log, say: (verdict) => ears.say(verdictMessage(verdict)) });
  const following = bus.mesh.follow(replica.follower);

  /** Nothing is judged by a mesh that is not read to its end. */
  function withMesh(work: (mesh: Mesh) => void): void {
    if (replica.current && replica.caughtUp) work(replica.current);
  }
  const nameOf = (node: string) => replica.current?.nodes.get(node)?.claim?.name ?? node;

  function watchedOf(node: string): Watched {
    const held = watched.get(node);
    if (held) return held;
    const mesh = replica.current;
    const incarnation = mesh?.nodes.get(node)?.incarnation;
    const record = mesh?.reach.get(node);
    const isAbout = record && isSameLife(record.incarnation, incarnation);
    const made: Watched = {
      life: isAbout && record.state === 'down' ? 'down' : 'up',
      ...(isAbout ? { judgement: judgementOf(record) } : {}),
      againAtMs: 0,
      tries: 0,
      unable: new Set(),
      recorded: mesh && record ? markOf(mesh, record) : '',
      incarnation,
    };
    watched.set(node, made);
    ears.expect(node);
    return made;
  }

  function happen(node: string, event: LifeEvent, votes: readonly Vote[] = []): void {
    const held = watchedOf(node);
    const before = held.life;
    held.life = step(before, event);
    if (held.life === before) return;
    log.debug('a node is seen otherwise', { node: nameOf(node), before, now: held.life, event });
    if (event === 'listed') delete held.judgement;
    else if (isServing(held.life) !== isServing(before)) judge(node, held, votes);
    if (isAskedAbout(held.life)) void askPeers(node, held);
  }

  /** What the node is has changed for those who send to it. */
  function judge(node: string, held: Watched, votes: readonly Vote[]): void {
    const state = isServing(held.life) ? 'up' : 'down';
    const found = votes.map(({ peer, sight }) => `${nameOf(peer)}: ${sight}`).join(', ');
    if (state === 'down')
      log.warn('a node is down: it is silent, and its peers do not reach it', { node: nameOf(node), found });
    else log.info('a node is up again', { node: nameOf(node), found });
    const span = held.span ?? tracer.span(spanNames.judge, { kind: 'internal' });
    span.set({ [spanAttributes.node]: node, [spanAttributes.found]: found });
    span.event(spanEvents.judged);
    const { incarnation } = held;
    held.judgement = {
      state,
      ...(incarnation ? { incarnation } : {}),
      votes,
      sinceMs: nowMs(),
      trace: span.traceparent,
    };
    withMesh((mesh) => settle(mesh, node, held));
    span.end();
  }

  function settle(mesh: Mesh, node: string, { life, judgement }: Watched): void {
    // One that beats again gets its record when it is steady; until then what is recorded stands.
    if (judgement && (isServing(life) || life === 'down')) records.settle(mesh, node, judgement);
  }

  /** Asks those that are heard whether they reach the node, and takes what enough of them say. */
  async function askPeers(node: string, held: Watched): Promise<void> {
    const { life } = held;
    held.span = tracer.span(spanNames.judge, { kind: 'internal' });
    const sandbox = hearing.sandboxOf(node);
    // Who is not listened to because it floods can be asked all the same.
    const heard = expected().filter(
      (peer) => ears.isShutOut(peer) || (watchedOf(peer).life === 'up' && hearing.isHeard(peer)),
    );
    const { awake = [], drowsy = [] } = Object.groupBy(heard, (peer) =>
      hearing.isAwake(peer) && !held.unable.has(peer) ? 'awake' : 'drowsy',
    );
    const peers = sandbox ? peersOf(node, awake, drowsy) : [];
    const needed = quorumOf(observersOf(node));
    const votes: Vote[] = [];
    const take = () => {
      const found = held.life === life ? count(votes, peers.length, needed) : undefined;
      if (!found) return;
      held.againAtMs = clock.nowMs() + againMs[found];
      held.unable = new Set(votes.flatMap(({ peer, sight }) => (sight === 'unable' ? [peer] : [])));
      held.tries = life === 'tried' && found === 'unknown' && peers.length > 0 ? held.tries + 1 : 0;
      happen(node, held.tries > 0 && held.tries < triesMax ? 'undecided' : found, votes);
    };
    take();
    if (!sandbox) return;
    await Promise.all(
      peers.map(async (peer) => {
        votes.push({ peer, sight: await sightOf(peer, writeProbe(sandbox)) });
        take();
      }),
    );
  }

  /** The nodes that are in the swarm and that Docker does not call down: whoever else beats has no say. */
  function expected(): readonly string[] {
    return replica.current ? expectedNodes(replica.current) : [];
  }

  /** How many nodes are there that could see it; one that is not heard is one of them, as it may be the sentinel who is deaf. */
  function observersOf(node: string): number {
    return expected().filter((other) => other !== node && isServing(watchedOf(other).life)).length;
  }

  async function sightOf(peer: string, probe: string): Promise<Sight> {
    const subject = subjects.ask(peer, 'probe');
    try {
      return readSight(subject, await (ears.best ?? bus).ask(subject, probe, askMs));
    } catch (error) {
      log.debug('a peer did not say whether it reaches another', { peer: nameOf(peer), reason: String(error) });
      return 'unable';
    }
  }

  /** What another sentinel recorded is so, whatever this one hears; and who lists its containers in a new life, lives. */
  function heed(mesh: Mesh): void {
    for (const [node, { incarnation }] of mesh.nodes) {
      const held = watchedOf(node);
      const isAnother = !isSameLife(held.incarnation, incarnation);
      held.incarnation = incarnation ?? held.incarnation;
      if (!isAnother) continue;
      hearing.await(node, incarnation);
      happen(node, 'listed');
    }
    for (const [node, record] of mesh.reach) {
      const held = watchedOf(node);
      const mark = markOf(mesh, record);
      if (mark === held.recorded) continue;
      held.recorded = mark;
      if (!isSameLife(record.incarnation, held.incarnation)) continue;
      held.judgement = judgementOf(record);
      const after = step(held.life, `recorded.${record.state}`);
      if (isServing(after) !== isServing(held.life)) held.life = after;
    }
  }

  function look(mesh: Mesh): void {
    hearing.look(lookMs);
    for (const node of expectedNodes(mesh)) {
      const held = watchedOf(node);
      if (hearing.isSilent(node)) happen(node, 'silence');
      if (held.life === 'unheard' && clock.nowMs() >= held.againAtMs) happen(node, 'again');
      if (held.life === 'returning' && clock.nowMs() >= held.againAtMs && isBack(mesh, node)) happen(node, 'steady');
    }
  }

  /** Its beats are steady, and of the life whose complete listing is in the mesh: what it had before may be another's now. */
  function isBack(mesh: Mesh, node: string): boolean {
    const listed = mesh.nodes.get(node)?.incarnation;
    const heard = hearing.incarnationOf(node);
    return hearing.isSteady(node) && listed !== undefined && heard !== undefined && sameIncarnation(listed, heard);
  }

  /** Says again what has no record yet, and forgets who left. */
  function settleAll(mesh: Mesh): void {
    for (const [node, held] of watched) {
      const known = mesh.nodes.get(node);
      if (known && known.removedMs === undefined) settle(mesh, node, held);
      // In a bucket that was made anew it may still be told of.
      else if (known || mesh.complete) watched.delete(node);
    }
    hearing.keepOnly(watched);
    records.forget(mesh);
  }

  const ends = [
    every(clock, lookMs, () => withMesh(look)),
    every(clock, verdictEveryMs, () => withMesh(settleAll)),
    every(clock, outlookEveryMs, () =>
      withMesh((mesh) => ears.say(outlookMessage(outlookOf(by, mesh, (node) => watchedOf(node).life)))),
    ),
  ];
  return {
    through: (ear) => ears.add(ear),
    async stop() {
      for (const end of ends) end();
      ears.stop();
      await following.stop();
    },
  };
}

function judgementOf({ state, incarnation, votes, sinceMs, causes }: Reach): Judgement {
  const judged = { state, votes, sinceMs, trace: causes.at(-1)?.trace ?? '' };
  return incarnation ? { ...judged, incarnation } : judged;
}

/** Revisions of a bucket that was made anew, or lost its last writes, are given again: another mark is another record. */
function markOf({ generation }: Mesh, { revision }: RecordedReach): string {
  return `${generation.epoch} ${revision}`;
}
