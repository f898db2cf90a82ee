import {
  type Bus,
  beatMessage,
  beatMs,
  type Clock,
  Ear,
  every,
  type Message,
  readProbe,
  readWord,
  type Stoppable,
  subjects,
  type Unreadable,
  wordMessage,
  wordsHeard,
  writeSight,
} from '@fairway/bus';
import type { Address, Incarnation, Sight, Word } from '@fairway/mesh';

/** Which node this is, in which life, and where others can try to reach it. */
export type HeartOf = { readonly node: string; readonly incarnation: Incarnation; readonly sandbox?: Address };

/** So long one server alone has to be reached, for another one to be back; at a start they are there one after the other. */
const aloneMs = 2_000;
/** So often those who have long been silent are forgotten, milliseconds. */
const forgetEveryMs = 60_000;

type Options = {
  readonly clock: Clock;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly tickUs: () => number;
  /** Tries to reach an address from this node's ingress sandbox. */
  readonly probe: (sandbox: Address) => Promise<Sight>;
  readonly onVerdict: (message: Message) => void;
  /** Another node said this of a task of its own, or a manager of any; once by each way that it came. */
  readonly onWord: (word: Word) => void;
  /** What another node said cannot be read: the first of its, and the next first once one could. */
  readonly onUnreadable: (error: Unreadable) => void;
  /** Another node says so much that it is not heard for a while. */
  readonly onFlood: (node: string) => void;
  /**
   * This node reached one server alone for a while, and reaches this one again. Where the one was cut off together with the
   * node, it finds its way back among the others later than the node does.
   */
  readonly onBack: (server: string) => void;
  /** How often it beats, milliseconds. */
  readonly everyMs?: number;
};

/**
 * What says that a node lives and which of its tasks do not, tries for others whether a third one does, and hears what others
 * say. All of it is by way of every server of the bus: who is connected to a lost one does not know that for seconds.
 */
export type Heart = {
  /** From now on by this connection to this server too; there is to be one to each server of the bus. */
  through(bus: Bus, server: string): void;
  /** These nodes are to be heard, whoever floods. */
  expect(nodes: readonly string[]): void;
  /** This machine is that node now, or none. */
  as(node: HeartOf | undefined): void;
  /** Says a word of this node's to the others. */
  say(word: Word): void;
  stop(): Promise<void>;
};

/**
 * Starts it. Each beat goes by the next server: one whose machine is lost says no goodbye, and takes only every so many
 * beats with it until its connection is known to be lost.
 */
export function startHeart(options: Options): Heart {
  const { clock, tickUs, probe, onVerdict, onWord, onUnreadable, onFlood, onBack, everyMs = beatMs } = options;
  const buses: Bus[] = [];
  const lost = new Set<Bus>();
  const hearing: Stoppable[] = [];
  const ears: Ear<Word>[] = [];
  let expected: readonly string[] = [];
  let known: HeartOf | undefined;
  let beats = 0;
  let answering: Stoppable[] = [];
  const probes = new Map<string, Promise<Sight>>();

  const connected = () => buses.filter((one) => !lost.has(one));
  const beat = () => {
    const there = connected();
    const bus = there[beats++ % there.length];
    if (!known || !bus) return;
    const { node, incarnation, sandbox } = known;
    const reading = { incarnation, tick: tickUs() };
    bus.broadcast(beatMessage({ node, reading, everyMs, ...(sandbox ? { sandbox } : {}) }));
  };

  let aloneSinceMs: number | undefined;
  const noteServers = (server: string) => {
    const { length } = connected();
    if (length > 1 && aloneSinceMs !== undefined && clock.nowMs() - aloneSinceMs > aloneMs) onBack(server);
    aloneSinceMs = length === 1 ? (aloneSinceMs ?? clock.nowMs()) : undefined;
  };

  /** A question comes once by each server: those that come together have one answer. */
  const sightOf = (sandbox: Address) => {
    const held = probes.get(sandbox.text);
    if (held) return held;
    const made = probe(sandbox).finally(() => probes.delete(sandbox.text));
    probes.set(sandbox.text, made);
    return made;
  };
  const answer = (bus: Bus, node: string) => {
    const subject = subjects.ask(node, 'probe');
    return bus.answer(subject, async (text) => writeSight(await sightOf(readProbe(subject, text))));
  };

  const words = {
    clock,
    subject: subjects.word,
    allowance: wordsHeard,
    read: readWord,
    onSaid: (word: Word) => {
      if (word.node !== known?.node) onWord(word);
    },
    onUnreadable,
    onFlood,
  };
  const forget = () => {
    for (const ear of ears) ear.keepOnly(new Set());
  };

  const endBeats = every(clock, everyMs, beat);
  const endForgetting = every(clock, forgetEveryMs, forget);
  const stopAll = (all: readonly Stoppable[]) => Promise.all(all.map((one) => one.stop()));

  return {
    through(bus, server) {
      buses.push(bus);
      bus.onState((state) => {
        if (state === 'lost') lost.add(bus);
        else lost.delete(bus);
        noteServers(server);
      });
      noteServers(server);
      hearing.push(bus.subscribe(subjects.verdict('*', '*'), onVerdict));
      const ear = new Ear(bus, words);
      for (const node of expected) ear.expect(node);
      ears.push(ear);
      if (known) answering.push(answer(bus, known.node));
    },
    as(node) {
      const before = known?.node;
      known = node;
      if (node?.node === before) return;
      void stopAll(answering);
      answering = node ? buses.map((bus) => answer(bus, node.node)) : [];
    },
    expect(nodes) {
      expected = nodes;
      for (const ear of ears) for (const node of nodes) ear.expect(node);
    },
    say(word) {
      for (const bus of connected()) bus.broadcast(wordMessage(word));
    },
    async stop() {
      known = undefined;
      endBeats();
      endForgetting();
      for (const ear of ears) ear.stop();
      await stopAll([...answering, ...hearing]);
    },
  };
}
