import type { Clock } from '@fairway/bus';
import { type Incarnation, isSameLife } from '@fairway/mesh';

/** A node of other tasks: its life, where it is known, and an address of a task of its own at which it is asked. */
export type Asked = { readonly life: Incarnation | undefined; readonly address: string };

type Options = {
  readonly clock: Clock;
  /** Whether the node behind an address answers there; rejects where nobody can be asked. */
  readonly ask: (address: string) => Promise<boolean>;
  /** A node is sent to from now on, or no more. */
  readonly onChange: (node: string, state: Settled) => void;
};

/**
 * - assumed: it was there before all nodes were known here, and serves;
 * - unknown: it is new, or in a new life, and serves once it has answered;
 * - silent: it did answer, and does no more;
 * - mute: it never did, and serves.
 */
type State = 'assumed' | 'unknown' | Settled;
export type Settled = 'answers' | 'silent' | 'mute';

type Node = {
  life: Incarnation | undefined;
  /** None while nothing of it is of use here. */
  address: string | undefined;
  state: State;
  answered: boolean;
  asking: boolean;
  askedMs: number;
};

/** One that is silent is asked again after a quarter of the time for which it has been, within these bounds. */
const pauseMinMs = 20;
const pauseMaxMs = 10_000;
/** One that has answered is silent after so long without an answer: a machine may stand still for a second, and answer then. */
export const silentAfterMs = 2_000;
/**
 * One that never answered serves after so long: some systems answer no echo (Windows, by its firewall). It is twice the time
 * that Docker's gossip takes for nodes that do not answer it in a bulk sync (libnetwork networkdb/cluster.go, 30 s), for
 * which a node that had booted was seen to have no way back (20.10).
 */
export const muteAfterMs = 60_000;

/** How long one that has not answered for so many milliseconds is left alone before it is asked again, milliseconds. */
export function pauseAfter(silentMs: number): number {
  return Math.min(Math.max(Math.round(silentMs / 4), pauseMinMs), pauseMaxMs);
}

function serves(state: State): boolean {
  return state === 'assumed' || state === 'answers' || state === 'mute';
}

/** What a node is after so many milliseconds without an answer; `answered` where it ever did in this life. */
function afterSilence(state: State, answered: boolean, silentMs: number): State {
  if (answered) return silentMs >= silentAfterMs ? 'silent' : state;
  return silentMs >= muteAfterMs ? 'mute' : state;
}

/**
 * Which nodes one network brings answers back from. A node's Docker learns of the others by gossip as this one's does, and
 * may know less, after a boot or a partition: what is sent to its tasks arrives then, and their answers go nowhere.
 */
export class WaysBack {
  readonly #options: Options;
  readonly #nodes = new Map<string, Node>();
  /** Whether all nodes were known: one that comes after that is new. */
  #hadAll = false;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * These are the nodes with tasks now; whoever is new among them is asked, and whoever had none, or no way to them, for a
   * while: its overlay may have been made anew meanwhile, or cut off. In a mesh that is being built anew it is what it was.
   * @param areAll whether the mesh has all nodes, and they could be looked for
   * @returns whether one came or went, or is in a new life
   */
  expect(nodes: ReadonlyMap<string, Asked>, areAll: boolean): boolean {
    let changed = false;
    const wasIdle = new Set([...this.#nodes].flatMap(([name, { address }]) => (address === undefined ? [name] : [])));
    for (const [name, node] of this.#nodes) {
      if (nodes.has(name)) continue;
      changed ||= node.address !== undefined;
      node.address = undefined;
    }
    for (const [name, { life, address }] of nodes) {
      const known = this.#nodes.get(name);
      if (known && isSameLife(known.life, life)) {
        known.life ??= life;
        known.address = address;
        if (!wasIdle.has(name)) continue;
        changed = true;
        if (areAll && known.state !== 'mute') known.state = 'unknown';
        if (!known.asking) void this.#askUntilSure(name, known);
        continue;
      }
      changed = true;
      // Who never answers will not do so in a new life.
      const state = known?.state === 'mute' ? 'mute' : known || this.#hadAll ? 'unknown' : 'assumed';
      const askedMs = this.#options.clock.nowMs();
      const node: Node = { life, address, state, answered: false, asking: false, askedMs };
      this.#nodes.set(name, node);
      void this.#askUntilSure(name, node);
    }
    this.#hadAll ||= areAll;
    return changed;
  }

  /** Forgets all nodes but these. */
  keepOnly(nodes: { has(node: string): boolean }): void {
    for (const node of this.#nodes.keys()) if (!nodes.has(node)) this.#nodes.delete(node);
  }

  /** Whether what is sent to it is answered, as far as this node knows. */
  has(node: string): boolean {
    const state = this.#nodes.get(node)?.state;
    return state !== undefined && serves(state);
  }

  /** Whether it never answers an echo, as far as this node knows. */
  isMute(node: string): boolean {
    return this.#nodes.get(node)?.state === 'mute';
  }

  /** Asks those that were not asked for longest, so many. */
  async askOldest(count: number): Promise<void> {
    const oldest = [...this.#nodes]
      .filter(([, { asking, address }]) => !asking && address !== undefined)
      .sort(([, a], [, b]) => a.askedMs - b.askedMs)
      .slice(0, count);
    await Promise.all(oldest.map(([name, node]) => this.#askUntilSure(name, node)));
  }

  /** Asks this one, if it is not being asked. */
  async ask(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node && !node.asking) await this.#askUntilSure(name, node);
  }

  stop(): void {
    this.#stopped = true;
    this.#nodes.clear();
  }

  async #askUntilSure(name: string, node: Node): Promise<void> {
    const { clock, ask, onChange } = this.#options;
    // From the end of the first ask without an answer: the time until it could be sent is no silence.
    let silentSinceMs: number | undefined;
    node.asking = true;
    const isThere = () => !this.#stopped && this.#nodes.get(name) === node;
    while (isThere() && node.address !== undefined) {
      const answer = await ask(node.address).catch(() => undefined);
      if (!isThere()) return;
      const before = node.state;
      node.askedMs = clock.nowMs();
      if (!answer) silentSinceMs ??= node.askedMs;
      const silentMs = node.askedMs - (silentSinceMs ?? node.askedMs);
      if (answer) {
        node.state = 'answers';
        node.answered = true;
      } else node.state = afterSilence(before, node.answered, silentMs);
      if (serves(node.state) !== serves(before)) onChange(name, node.state as Settled);
      // Where it cannot be asked nothing is known for or against it.
      if (answer || node.state === 'mute' || (answer === undefined && serves(node.state))) break;
      await new Promise<void>((resolve) => clock.after(pauseAfter(silentMs), resolve));
    }
    node.asking = false;
  }
}
