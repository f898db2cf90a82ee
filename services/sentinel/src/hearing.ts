import { type Beat, beatMs, type Clock } from '@fairway/bus';
import { type Address, type Incarnation, isNewerReading, type Reading, sameIncarnation } from '@fairway/mesh';

/** A beat is missed when it is late by so much of the time between two. */
const late = 0.2;
/** Three beats that are missed raise a doubt. */
export const silentMs = (everyMs: number) => (3 + late) * everyMs;
/** Who is asked about others was heard so short a time ago. */
const awakeMs = (everyMs: number) => (2 + late) * everyMs;
/** A node is back when it has beat without a gap for so long: a second. */
export const steadyMs = (everyMs: number) => 5 * everyMs;
/** Whose listing is there is to be heard within so long: its process has just been started. */
const startMs = (everyMs: number) => 15 * everyMs;

/** So many boots are kept of a node: who makes them up is not to fill the memory. */
const pastMax = 16;

type Heard = {
  reading: Reading;
  everyMs: number;
  sandbox: Address | undefined;
  lastMs: number;
  /** Since when there was no silence. */
  sinceMs: number;
  /** Boots before the present one, none of which returns: what is still said of them was on its way for long. */
  past: ReadonlySet<string>;
};

/**
 * What is heard of the nodes' beats, and for how long it has not been. Time in which the sentinel itself stood still does
 * not count: what was said meanwhile is still to be read.
 */
export class Hearing {
  readonly #clock: Clock;
  readonly #heard = new Map<string, Heard>();
  /** Until when a node is given time, whatever is heard. */
  readonly #untilMs = new Map<string, number>();
  #lastLookMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastLookMs = clock.nowMs();
  }

  /** Takes a beat; whether it is a new one. One that was overtaken, or comes again by another server, is not. */
  hear({ node, reading, everyMs, sandbox }: Beat): boolean {
    const nowMs = this.#clock.nowMs();
    const before = this.#heard.get(node);
    const { boot } = reading.incarnation;
    if (before && (before.past.has(boot) || !isNewerReading(reading, before.reading))) return false;
    const booted = before && before.reading.incarnation.boot !== boot;
    const past = booted
      ? new Set([...before.past, before.reading.incarnation.boot].slice(-pastMax))
      : (before?.past ?? new Set());
    const steady = before && nowMs - before.lastMs < silentMs(everyMs);
    this.#heard.set(node, { reading, everyMs, sandbox, lastMs: nowMs, sinceMs: steady ? before.sinceMs : nowMs, past });
    return true;
  }

  /** To be called every so often, `everyMs`; a look that comes much later stood still until now. */
  look(everyMs: number): void {
    const nowMs = this.#clock.nowMs();
    const stoodMs = nowMs - this.#lastLookMs - everyMs;
    this.#lastLookMs = nowMs;
    if (stoodMs < 2 * everyMs) return;
    for (const heard of this.#heard.values()) heard.lastMs = Math.min(nowMs, heard.lastMs + stoodMs);
    for (const [node, untilMs] of this.#untilMs) this.#untilMs.set(node, untilMs + stoodMs);
  }

  /** Gives a node time to be heard in the life whose listing is there: its process was started a moment ago. */
  await(node: string, listed: Incarnation | undefined): void {
    const heard = this.incarnationOf(node);
    // A listing may come late, and who beats in that life already needs no time.
    if (heard && listed && sameIncarnation(heard, listed) && !this.isSilent(node)) return;
    this.#untilMs.set(node, this.#clock.nowMs() + startMs(this.#everyMsOf(node)));
  }

  /** Whether a node that is expected has missed three beats; one never heard so far from when it is first asked for. */
  isSilent(node: string): boolean {
    const nowMs = this.#clock.nowMs();
    const heard = this.#heard.get(node);
    if (!heard && !this.#untilMs.has(node)) this.#untilMs.set(node, nowMs + silentMs(beatMs));
    return nowMs >= Math.max(heard ? heard.lastMs + silentMs(heard.everyMs) : 0, this.#untilMs.get(node) ?? 0);
  }

  /** Whether it has beat without a gap for a while. */
  isSteady(node: string): boolean {
    const heard = this.#heard.get(node);
    return (
      heard !== undefined && !this.isSilent(node) && this.#clock.nowMs() - heard.sinceMs >= steadyMs(heard.everyMs)
    );
  }

  /** Whether it was ever heard, and has not been silent since. */
  isHeard(node: string): boolean {
    return this.#heard.has(node) && !this.isSilent(node);
  }

  /** Whether it was heard a moment ago, so that it can be asked. */
  isAwake(node: string): boolean {
    const heard = this.#heard.get(node);
    return heard !== undefined && this.#clock.nowMs() - heard.lastMs < awakeMs(heard.everyMs);
  }

  #everyMsOf(node: string): number {
    return this.#heard.get(node)?.everyMs ?? beatMs;
  }

  /** The life of the node that its last beat was of. */
  incarnationOf(node: string): Incarnation | undefined {
    return this.#heard.get(node)?.reading.incarnation;
  }

  /** Where it can be tried. */
  sandboxOf(node: string): Address | undefined {
    return this.#heard.get(node)?.sandbox;
  }

  /** Forgets all nodes but these. */
  keepOnly(nodes: { has(node: string): boolean }): void {
    for (const node of this.#heard.keys()) if (!nodes.has(node)) this.#heard.delete(node);
    for (const node of this.#untilMs.keys()) if (!nodes.has(node)) this.#untilMs.delete(node);
  }
}
