import {
  type Account,
  type Allowance,
  type Beat,
  type Bus,
  beatMsMin,
  type Clock,
  Doors,
  earlyMs,
  type Message,
  readBeat,
  senderOf,
  subjects,
  Unreadable,
  unitsOf,
} from '@fairway/bus';

/**
 * Twice what the shortest time between two beats allows, for ever; and at once what comes together after somebody stood still
 * for ten seconds, be it this sentinel. Who is heard more often floods.
 */
const perSecond = (2 * 1000) / beatMsMin;
const allowance: Allowance = { perSecond, burst: 10 * perSecond };

/** `isUnreadable` where its last beat could not be read. */
type Sender = Account & { isUnreadable: boolean };

export type EarOptions = {
  readonly clock: Clock;
  readonly onBeat: (beat: Beat) => void;
  /** The first of a sender's that cannot be read, and the next first once one could. */
  readonly onUnreadable: (error: Unreadable) => void;
  /** A node beats so often that it is not heard for a while. */
  readonly onFlood: (node: string) => void;
};

/**
 * A connection by which beats are heard. Who floods is not heard for a while: its server drops what nobody listens to, and it
 * keeps the sentinel from hearing nobody else.
 */
export class Ear {
  readonly bus: Bus;
  /** When a beat came last. */
  heardMs = 0;
  readonly #options: EarOptions;
  readonly #doors: Doors;
  readonly #senders = new Map<string, Sender>();
  /** How many of each sender's were refused in this second. */
  readonly #refused = new Map<string, number>();

  constructor(bus: Bus, options: EarOptions) {
    this.bus = bus;
    this.#options = options;
    this.#doors = new Doors({
      clock: options.clock,
      everybody: subjects.beat('*'),
      of: (sender) => [subjects.beat(sender)],
      listen: (pattern) => {
        const hearing = bus.subscribe(pattern, (message) => this.#hear(message));
        return () => void hearing.stop();
      },
    });
  }

  /** Who is not heard for a while. */
  get shutOut(): readonly string[] {
    return this.#doors.shut;
  }

  /** This node is to be heard, whoever floods. */
  expect(node: string): void {
    this.#doors.hear(node);
  }

  /** Who is not heard for a while, and how many beats of each were refused since this was asked for last. */
  takeRefused(): ReadonlyMap<string, number> {
    const refused = new Map([...this.shutOut.map((sender) => [sender, 0] as const), ...this.#refused]);
    this.#refused.clear();
    return refused;
  }

  /** Forgets all senders but these, once their allowance is whole again. */
  keepOnly(nodes: { has(node: string): boolean }): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [sender, { dueMs }] of this.#senders)
      if (!nodes.has(sender) && dueMs <= nowMs) this.#senders.delete(sender);
  }

  stop(): void {
    this.#doors.stop();
  }

  #hear(message: Message): void {
    const { clock, onBeat, onFlood, onUnreadable } = this.#options;
    const nowMs = clock.nowMs();
    this.heardMs = nowMs;
    const sender = senderOf(message.subject) ?? '';
    const held = this.#senders.get(sender) ?? { dueMs: nowMs, isUnreadable: false };
    this.#senders.set(sender, held);
    if (earlyMs(held, allowance, unitsOf(Buffer.byteLength(message.text)), nowMs) > 0) {
      this.#refused.set(sender, (this.#refused.get(sender) ?? 0) + 1);
      if (this.#doors.shutOut(sender)) onFlood(sender);
      return;
    }
    this.#doors.hear(sender);
    try {
      onBeat(readBeat(message));
      held.isUnreadable = false;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      if (!held.isUnreadable) onUnreadable(error);
      held.isUnreadable = true;
    }
  }
}
