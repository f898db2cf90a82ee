import { type Clock, earlyMs, wordAllowance } from '@fairway/bus';
import { type ContainerState, isWithdrawal, type Word } from '@fairway/mesh';
import type { Own, OwnChange } from '@fairway/watcher';

/** What of that which a node learns of its own tasks it says to the others, ahead of the mesh. */
export class OwnWords {
  readonly #account = { dueMs: 0 };
  #before: Own | undefined;

  readonly #clock: Clock;
  readonly #wallMs: () => number;

  /** @param wallMs time to be shown, whole milliseconds since 1970 */
  constructor(clock: Clock, wallMs: () => number) {
    this.#clock = clock;
    this.#wallMs = wallMs;
  }

  /**
   * The word to say on a change; undefined where there is none: what a task becomes is told by the mesh, and only that it
   * is to get nothing new, or may again, is urgent.
   */
  on(change: OwnChange, own: Own | undefined): Word | undefined {
    const before = this.#before;
    this.#before = own;
    if (change.kind !== 'container' || !own) return undefined;
    const { service, task, state, tick, trace = '' } = change;
    if (!isUrgent(before?.containers.get(task)?.state, state)) return undefined;
    if (earlyMs(this.#account, wordAllowance, 1, this.#clock.nowMs()) > 0) return undefined;
    const reading = { incarnation: own.incarnation, tick };
    return { node: own.node, service, task, state, reading, atMs: this.#wallMs(), trace };
  }
}

/** One that was not known before served nobody, or was listed by a node that begins. */
function isUrgent(before: ContainerState | undefined, now: ContainerState): boolean {
  if (before === undefined || before === now) return false;
  return isWithdrawal(now) || isWithdrawal(before);
}
