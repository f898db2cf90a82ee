import {
  type Beat,
  type Bus,
  type Clock,
  type Message,
  readBeat,
  type Stoppable,
  subjects,
  Unreadable,
} from '@fairway/bus';

type Ear = { readonly bus: Bus; heardMs: number; readonly hearing: Stoppable };

type Options = {
  readonly clock: Clock;
  readonly onBeat: (beat: Beat) => void;
  readonly onUnreadable: (error: Unreadable) => void;
};

/** A sentinel's connections, one to each server: what one of them does not hear another does. */
export class Ears {
  readonly #options: Options;
  readonly #ears: Ear[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** From now on by this connection too. */
  add(bus: Bus): void {
    const { clock, onBeat, onUnreadable } = this.#options;
    const hear = (message: Message) => {
      ear.heardMs = clock.nowMs();
      try {
        onBeat(readBeat(message));
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        onUnreadable(error);
      }
    };
    const ear: Ear = { bus, heardMs: 0, hearing: bus.subscribe(subjects.beat('*'), hear) };
    this.#ears.push(ear);
  }

  /** The connection by which a beat came last: its server lives. */
  get best(): Bus | undefined {
    return this.#ears.toSorted((a, b) => b.heardMs - a.heardMs)[0]?.bus;
  }

  /** Says it by all of them: whoever hears it twice is told nothing new. */
  say(message: Message): void {
    for (const { bus } of this.#ears) bus.broadcast(message);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#ears.map(({ hearing }) => hearing.stop()));
  }
}
