import {
  type Bus,
  beatMessage,
  beatMs,
  type Clock,
  every,
  type Message,
  readProbe,
  type Stoppable,
  subjects,
  writeSight,
} from '@fairway/bus';
import type { Address, Incarnation, Sight } from '@fairway/mesh';

/** Which node this is, in which life, and where others can try to reach it. */
export type HeartOf = { readonly node: string; readonly incarnation: Incarnation; readonly sandbox?: Address };

type Options = {
  readonly clock: Clock;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly tickUs: () => number;
  /** Tries to reach an address from this node's ingress sandbox. */
  readonly probe: (sandbox: Address) => Promise<Sight>;
  readonly onVerdict: (message: Message) => void;
  /** How often it beats, milliseconds. */
  readonly everyMs?: number;
};

/** What says that a node lives, tries for others whether a third one does, and hears who does not. */
export type Heart = {
  /** From now on by this connection too; there is to be one to each server of the bus. */
  through(bus: Bus): void;
  /** This machine is that node now, or none. */
  as(node: HeartOf | undefined): void;
  stop(): Promise<void>;
};

/**
 * Starts it. Each beat goes by the next server: one whose machine is lost says no goodbye, and takes only every so many
 * beats with it until its connection is known to be lost.
 */
export function startHeart({ clock, tickUs, probe, onVerdict, everyMs = beatMs }: Options): Heart {
  const buses: Bus[] = [];
  const lost = new Set<Bus>();
  const hearing: Stoppable[] = [];
  let known: HeartOf | undefined;
  let beats = 0;
  let answering: Stoppable[] = [];
  const probes = new Map<string, Promise<Sight>>();

  const beat = () => {
    const there = buses.filter((one) => !lost.has(one));
    const bus = there[beats++ % there.length];
    if (!known || !bus) return;
    const { node, incarnation, sandbox } = known;
    const reading = { incarnation, tick: tickUs() };
    bus.broadcast(beatMessage({ node, reading, everyMs, ...(sandbox ? { sandbox } : {}) }));
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

  const endBeats = every(clock, everyMs, beat);
  const stopAll = (all: readonly Stoppable[]) => Promise.all(all.map((one) => one.stop()));

  return {
    through(bus) {
      buses.push(bus);
      bus.onState((state) => (state === 'lost' ? lost.add(bus) : lost.delete(bus)));
      hearing.push(bus.subscribe(subjects.verdict('*', '*'), onVerdict));
      if (known) answering.push(answer(bus, known.node));
    },
    as(node) {
      const before = known?.node;
      known = node;
      if (node?.node === before) return;
      void stopAll(answering);
      answering = node ? buses.map((bus) => answer(bus, node.node)) : [];
    },
    async stop() {
      known = undefined;
      endBeats();
      await stopAll([...answering, ...hearing]);
    },
  };
}
