import {
  type Beat,
  type Bus,
  beatMsMin,
  type Clock,
  Doors,
  type Message,
  readBeat,
  senderOf,
  subjects,
  Unreadable,
} from '@fairway/bus';

/** Who is heard more often in a second than the shortest time between two beats allows, twice over, floods. */
const beatsMax = (2 * 1000) / beatMsMin;

export type EarOptions = {
  readonly clock: Clock;
  readonly onBeat: (beat: Beat) => void;
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
  /** How many came from each sender in this second. */
  readonly #counts = new Map<string, number>();

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

  /** A second is over: who flooded in it or is not heard for it, and how many beats were refused. */
  endSecond(): ReadonlyMap<string, number> {
    const refused = new Map(this.shutOut.map((sender) => [sender, 0]));
    for (const [sender, count] of this.#counts) if (count > beatsMax) refused.set(sender, count - beatsMax);
    this.#counts.clear();
    return refused;
  }

  stop(): void {
    this.#doors.stop();
  }

  #hear(message: Message): void {
    const { clock, onBeat, onFlood, onUnreadable } = this.#options;
    this.heardMs = clock.nowMs();
    const sender = senderOf(message.subject) ?? '';
    const count = (this.#counts.get(sender) ?? 0) + 1;
    this.#counts.set(sender, count);
    if (count > beatsMax) {
      if (this.#doors.shutOut(sender)) onFlood(sender);
      return;
    }
    this.#doors.hear(sender);
    try {
      onBeat(readBeat(message));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      onUnreadable(error);
    }
  }
}
