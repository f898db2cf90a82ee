import { type Account, type Allowance, earlyMs, unitsOf } from './allowance.ts';
import type { Bus, Message } from './bus.ts';
import { Doors } from './doors.ts';
import type { Clock } from './memory/clock.ts';
import { Unreadable } from './parse-text.ts';
import { isId, senderOf } from './subjects.ts';

/** `isUnreadable` where its last message could not be read. */
type Sender = Account & { isUnreadable: boolean };

/** So many are remembered; the names of those who say nothing that can be read may be made up. */
const sendersMax = 10_000;
const unreadableTold: Allowance = { perSecond: 0.1, burst: 10 };

export type EarOptions<Said> = {
  readonly clock: Clock;
  /** On what a sender says it; on that of `*` everybody does. */
  readonly subject: (sender: string) => string;
  /** How often one sender is heard; who says more floods. */
  readonly allowance: Allowance;
  /** @throws {Unreadable} */
  readonly read: (message: Message) => Said;
  readonly onSaid: (said: Said) => void;
  /** The first of a sender's that cannot be read, and the next first once one could; of all senders six a minute. */
  readonly onUnreadable: (error: Unreadable) => void;
  /** Somebody says so much that it is not heard for a while. */
  readonly onFlood: (sender: string) => void;
};

/**
 * A connection by which one kind of message is heard on plain NATS. Who floods is not heard for a while: its server drops
 * what nobody listens to, and it keeps whoever listens from hearing nobody else.
 */
export class Ear<Said> {
  readonly bus: Bus;
  /** When something came last. */
  heardMs = 0;
  readonly #options: EarOptions<Said>;
  readonly #doors: Doors;
  readonly #senders = new Map<string, Sender>();
  readonly #told: Account = { dueMs: 0 };
  /** Of those that are too many to be remembered. */
  readonly #others: Sender = { dueMs: 0, isUnreadable: false };
  /** How many of each sender's were refused in this second. */
  readonly #refused = new Map<string, number>();

  constructor(bus: Bus, options: EarOptions<Said>) {
    this.bus = bus;
    this.#options = options;
    this.#doors = new Doors({
      clock: options.clock,
      everybody: options.subject('*'),
      of: (sender) => [options.subject(sender)],
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

  /** Who is not heard for a while, and how many of each were refused since this was asked for last. */
  takeRefused(): ReadonlyMap<string, number> {
    const refused = new Map([...this.shutOut.map((sender) => [sender, 0] as const), ...this.#refused]);
    this.#refused.clear();
    return refused;
  }

  /** Forgets all senders but these, once their allowance is whole again. */
  keepOnly(nodes: { has(node: string): boolean }): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [sender, { dueMs }] of this.#senders) {
      if (nodes.has(sender) || dueMs > nowMs) continue;
      this.#senders.delete(sender);
      this.#refused.delete(sender);
    }
  }

  stop(): void {
    this.#doors.stop();
  }

  #hear(message: Message): void {
    const { clock, allowance, read, onSaid, onFlood, onUnreadable } = this.#options;
    const nowMs = clock.nowMs();
    this.heardMs = nowMs;
    const sender = senderOf(message.subject) ?? '';
    // Of whoever may have somebody else's answer sent there, as nodes may (decision 0016).
    if (!isId(sender)) return;
    const held = this.#senders.get(sender) ?? this.#newSender(nowMs);
    if (earlyMs(held, allowance, unitsOf(Buffer.byteLength(message.text)), nowMs) > 0) {
      if (held === this.#others) return;
      this.#refused.set(sender, (this.#refused.get(sender) ?? 0) + 1);
      if (this.#doors.shutOut(sender)) onFlood(sender);
      return;
    }
    try {
      const said = read(message);
      held.isUnreadable = false;
      this.#senders.set(sender, held === this.#others ? { ...held } : held);
      this.#doors.hear(sender);
      onSaid(said);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const isTold = !held.isUnreadable && earlyMs(this.#told, unreadableTold, 1, nowMs) === 0;
      held.isUnreadable = true;
      if (held !== this.#others) this.#senders.set(sender, held);
      if (isTold) onUnreadable(error);
    }
  }

  #newSender(nowMs: number): Sender {
    return this.#senders.size < sendersMax ? { dueMs: nowMs, isUnreadable: false } : this.#others;
  }
}
