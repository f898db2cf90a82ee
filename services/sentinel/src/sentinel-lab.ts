import {
  type Bus,
  BusUnavailable,
  beatMs,
  createMemoryBus,
  every,
  keys,
  MeshReplica,
  type Outlook,
  readOutlook,
  readThrottled,
  readVerdict,
  SimulatedClock,
  subjects,
  writeComplete,
  writeNode,
  writeSight,
} from '@fairway/bus';
import type { Mesh, Reach, Verdict } from '@fairway/mesh';
import { createLog } from '@fairway/telemetry';
import { beatOf, nodeOf, probedOf } from './sample.ts';
import { type Sentinel, startSentinel } from './sentinel.ts';

/** A sentinel among nodes that beat and try to reach each other, on simulated time. */
export type SentinelLab = {
  /** What was said, in order. */
  readonly verdicts: readonly Verdict[];
  readonly outlook: Outlook | undefined;
  /** How often something was recorded. */
  readonly writes: number;
  /** Since the last node was lost. */
  readonly sinceLostMs: number;
  recordOf(node: string): Reach | undefined;
  stateOf(node: string): Reach['state'] | undefined;
  /** It loses power; `find` gives it back. */
  lose(node: string): void;
  find(node: string): void;
  /** It beats so often besides, at once, or says something else as its beat. */
  flood(node: string, beats: number, text?: string): void;
  /** Who was said to be throttled since the beginning. */
  readonly throttled: ReadonlySet<string>;
  /** Its beats are lost, and nothing else. */
  mute(node: string): void;
  /** The two do not reach each other. */
  cut(node: string, other: string): void;
  /** It beats in another life from now on. */
  boot(node: string, boot: string): void;
  /** Its complete listing is in the mesh. */
  list(node: string): Promise<void>;
  leave(node: string): Promise<void>;
  /** The sentinels hear nothing. */
  deafen(deaf: boolean): void;
  /** The bus takes no writes. */
  refuseWrites(refuse: boolean): void;
  /** It cannot try whether it reaches others. */
  blindfold(node: string): void;
  /** A bucket made anew, with the nodes as they live now. */
  wipe(options?: { complete?: boolean }): Promise<void>;
  /** One more sentinel. */
  another(): Sentinel;
  pass(forMs: number): Promise<void>;
  /** Lets time pass until it holds; throws when it does not within a minute. */
  until(holds: () => boolean): Promise<void>;
};

export async function openLab(ids: readonly string[], { sentinels = 1 } = {}): Promise<SentinelLab> {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  await clock.settle(bus.provision());
  const replica = new MeshReplica();
  bus.another().mesh.follow(replica.follower);

  const boots = new Map(ids.map((id) => [id, `boot-${id}`]));
  const [lost, mute, cuts, blind] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  const verdicts: Verdict[] = [];
  let outlook: Outlook | undefined;
  let deaf = false;
  let refusing = false;
  let writes = 0;
  let lostMs = 0;

  const bootOf = (id: string) => boots.get(id) ?? '';
  const sampled = (id: string) => nodeOf(id, bootOf(id));
  const write = async (key: string, text: string) => {
    const held = await bus.mesh.get(key);
    await bus.mesh.put(key, text, held?.text === undefined ? 0 : held.revision);
  };
  const fill = async (complete = true) => {
    const epoch = await bus.provision();
    for (const id of ids) if (!lost.has(id)) await write(keys.node(id), writeNode(sampled(id)));
    for (const id of lost) await write(keys.node(id), writeNode({ ...sampled(id), retired: [] }));
    if (complete) await write(keys.complete, writeComplete({ epoch, listing: 'l' }));
  };

  const beat = (id: string) => beatOf(ids, id, bootOf(id), clock.nowMs());
  for (const id of ids) {
    const own = bus.another();
    every(clock, beatMs, () => {
      if (!lost.has(id) && !mute.has(id)) own.broadcast(beat(id));
    });
    own.answer(subjects.ask(id, 'probe'), async (text) => {
      const other = probedOf(ids, text);
      const away = lost.has(other) || cuts.has(`${id} ${other}`);
      if (lost.has(id)) await new Promise(() => {});
      if (blind.has(id)) return writeSight('unable');
      await new Promise<void>((resolve) => clock.after(away ? 120 : 40, resolve));
      return writeSight(away ? 'silent' : 'reached');
    });
  }
  const hearing = bus.another();
  hearing.subscribe(subjects.verdict('*', '*'), (message) => void verdicts.push(readVerdict(message)));
  const throttled = new Set<string>();
  hearing.subscribe(subjects.throttled('*'), (message) => void throttled.add(readThrottled(message).sender));
  hearing.subscribe(subjects.outlook('*'), (message) => {
    outlook = readOutlook(message);
  });

  const mortal = (one: Bus): Bus => ({
    ...one,
    subscribe: (pattern, handle) => one.subscribe(pattern, (message) => deaf || handle(message)),
    mesh: {
      ...one.mesh,
      async put(key, text, revision) {
        if (refusing) throw new BusUnavailable('write');
        const written = await one.mesh.put(key, text, revision);
        writes += 1;
        return written;
      },
    },
  });
  const another = () => {
    const sentinel = startSentinel({
      bus: mortal(bus.another()),
      log: createLog('sentinel', { FAIRWAY_LOG: 'error' }),
      nowMs: () => clock.nowMs(),
      clock,
    });
    sentinel.through(mortal(bus.another()));
    return sentinel;
  };
  await clock.settle(fill());
  for (let n = 0; n < sentinels; n++) another();

  const current = (): Mesh | undefined => replica.current;
  const pass = (forMs: number) => clock.settle(Promise.resolve(), forMs);
  await pass(2_000);
  return {
    verdicts,
    get outlook() {
      return outlook;
    },
    get writes() {
      return writes;
    },
    get sinceLostMs() {
      return clock.nowMs() - lostMs;
    },
    recordOf: (node) => current()?.reach.get(node),
    stateOf: (node) => current()?.reach.get(node)?.state,
    lose(node) {
      lost.add(node);
      lostMs = clock.nowMs();
    },
    find: (node) => void lost.delete(node),
    flood(node, beats, text) {
      for (let n = 0; n < beats; n++) hearing.broadcast(text ? { ...beat(node), text } : beat(node));
    },
    throttled,
    mute: (node) => void mute.add(node),
    cut(node, other) {
      cuts.add(`${node} ${other}`).add(`${other} ${node}`);
    },
    boot: (node, boot) => void boots.set(node, boot),
    list: (node) => clock.settle(write(keys.node(node), writeNode(sampled(node)))),
    leave: (node) => clock.settle(write(keys.node(node), writeNode({ ...sampled(node), removedMs: 1 }))),
    deafen(now) {
      deaf = now;
    },
    refuseWrites(now) {
      refusing = now;
    },
    blindfold: (node) => void blind.add(node),
    async wipe({ complete } = {}) {
      bus.wipe();
      await clock.settle(fill(complete));
    },
    another,
    pass,
    async until(holds) {
      const untilMs = clock.nowMs() + 60_000;
      while (!holds()) {
        if (clock.nowMs() > untilMs) throw new Error('it did not come to that within a minute');
        await pass(10);
      }
    },
  };
}
