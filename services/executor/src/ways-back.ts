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

const pauseMinMs = 20;
const pauseMaxMs = 1_000;
/** One that has answered is silent after so long without an answer: a machine may stand still for a second, and answer then. */
export const silentAfterMs = 2_000;
/**
 * One that never answered serves after so long: some systems answer no echo (Windows, by its firewall). Docker's gossip took
 * 8 s to tell a node that had booted of the others (20.10).
 */
export const muteAfterMs = 15_000;

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
  #hadAll = false;
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * These are the nodes with tasks now; whoever is new among them is asked. One that has none for a while, as in a mesh that
   * is built anew, is what it was when it has some again.
   * @param areAll whether the mesh has all nodes: one that comes after that is new
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
        changed ||= wasIdle.has(name);
        if (!known.asking && wasIdle.has(name)) void this.#askUntilSure(name, known);
        continue;
      }
      changed = true;
      const state = known || this.#hadAll ? 'unknown' : 'assumed';
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

  /** Asks the one of those that serve that was not asked for longest. */
  async askAgain(): Promise<void> {
    const [oldest] = [...this.#nodes]
      .filter(([, { asking, address }]) => !asking && address !== undefined)
      .sort(([, a], [, b]) => a.askedMs - b.askedMs);
    if (oldest) await this.#askUntilSure(...oldest);
  }

  stop(): void {
    this.#stopped = true;
    this.#nodes.clear();
  }

  async #askUntilSure(name: string, node: Node): Promise<void> {
    const { clock, ask, onChange } = this.#options;
    const beganMs = clock.nowMs();
    node.asking = true;
    const isThere = () => !this.#stopped && this.#nodes.get(name) === node;
    while (isThere() && node.address !== undefined) {
      // Where it cannot be asked nothing is known against it.
      const answer = await ask(node.address).catch(() => undefined);
      if (!isThere()) return;
      const before = node.state;
      node.askedMs = clock.nowMs();
      node.answered ||= answer === true;
      const silentMs = node.askedMs - beganMs;
      node.state = answer === false ? afterSilence(before, node.answered, silentMs) : 'answers';
      if (serves(node.state) !== serves(before)) onChange(name, node.state as Settled);
      if (answer !== false || node.state === 'mute') break;
      await new Promise<void>((resolve) => clock.after(Math.min(Math.max(silentMs, pauseMinMs), pauseMaxMs), resolve));
    }
    node.asking = false;
  }
}
