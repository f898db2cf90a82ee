import { type Bus, every, type Message, throttledMessage } from '@fairway/bus';
import { Ear, type EarOptions } from './ear.ts';

const sayEveryMs = 1000;

/** A sentinel's connections, one to each server: what one of them does not hear another does. */
export class Ears {
  readonly #options: EarOptions;
  readonly #ears: Ear[] = [];
  #expected: readonly string[] = [];
  readonly #endSaying: () => void;

  /** @param by whose ears they are */
  constructor(by: string, options: EarOptions) {
    this.#options = options;
    this.#endSaying = every(options.clock, sayEveryMs, () => this.#sayWhoFloods(by));
  }

  /** From now on by this connection too. */
  add(bus: Bus): void {
    const ear = new Ear(bus, this.#options);
    ear.expect(this.#expected);
    this.#ears.push(ear);
  }

  /** These nodes are in the mesh: they are to be heard, whoever floods, and what is known of others is forgotten. */
  expect(nodes: ReadonlyMap<string, unknown>): void {
    this.#expected = [...nodes.keys()];
    for (const ear of this.#ears) {
      ear.expect(this.#expected);
      ear.keepOnly(nodes);
    }
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
    for (const ear of this.#ears)
      for (const [sender, count] of ear.takeRefused()) refused.set(sender, Math.max(count, refused.get(sender) ?? 0));
    for (const [sender, count] of refused) this.say(throttledMessage(by, { sender, refused: count }));
  }
}
