import {
  type Allowance,
  type Beat,
  type Bus,
  beatMsMin,
  Ear,
  type EarOptions,
  every,
  type Message,
  readBeat,
  subjects,
  throttledMessage,
} from '@fairway/bus';

/**
 * Twice what the shortest time between two beats allows, for ever; and at once what comes together after somebody stood still
 * for ten seconds, be it this sentinel. Who is heard more often floods.
 */
const perSecond = (2 * 1000) / beatMsMin;
const allowance: Allowance = { perSecond, burst: 10 * perSecond };
const beats = { allowance, subject: subjects.beat, read: readBeat };

type Options = Omit<EarOptions<Beat>, keyof typeof beats>;

const sayEveryMs = 1000;

/** A sentinel's connections, one to each server: what one of them does not hear another does. */
export class Ears {
  readonly #options: Options;
  readonly #nodes: ReadonlyMap<string, unknown>;
  readonly #ears: Ear<Beat>[] = [];
  readonly #endSaying: () => void;

  /**
   * @param by whose ears they are
   * @param nodes those that are to be heard, whoever floods; of one that is added `expect` is told as well
   */
  constructor(by: string, nodes: ReadonlyMap<string, unknown>, options: Options) {
    this.#nodes = nodes;
    this.#options = options;
    this.#endSaying = every(options.clock, sayEveryMs, () => this.#sayWhoFloods(by));
  }

  /** From now on by this connection too. */
  add(bus: Bus): void {
    const ear = new Ear(bus, { ...this.#options, ...beats });
    for (const node of this.#nodes.keys()) ear.expect(node);
    this.#ears.push(ear);
  }

  /** This node is to be heard too. */
  expect(node: string): void {
    for (const ear of this.#ears) ear.expect(node);
  }

  /** The connection by which a beat came last: its server lives. */
  get best(): Bus | undefined {
    return this.#ears.toSorted((a, b) => b.heardMs - a.heardMs)[0]?.bus;
  }

  /** Whether a node is not heard because it floods. */
  isShutOut(node: string): boolean {
    return this.#ears.some((ear) => ear.shutOut.includes(node));
  }

  /** Says it by all of them: whoever hears it twice is told nothing new. */
  say(message: Message): void {
    for (const { bus } of this.#ears) bus.broadcast(message);
  }

  stop(): void {
    this.#endSaying();
    for (const ear of this.#ears) ear.stop();
  }

  #sayWhoFloods(by: string): void {
    const refused = new Map<string, number>();
    for (const ear of this.#ears) {
      ear.keepOnly(this.#nodes);
      for (const [sender, count] of ear.takeRefused()) refused.set(sender, Math.max(count, refused.get(sender) ?? 0));
    }
    for (const [sender, count] of refused) this.say(throttledMessage(by, { sender, refused: count }));
  }
}
