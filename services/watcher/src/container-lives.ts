import type { ContainerLife } from './translate-container.ts';

/** The container of a task, as this node saw it last. */
export type HeldContainer = {
  readonly id: string;
  readonly task: string;
  readonly service: string;
  readonly state: ContainerLife;
  /** When that was seen, microseconds of CLOCK_MONOTONIC. */
  readonly tick: number;
  /**
   * It was not well when it was sent the signal to stop, and is told of as it was: what stops drains, and gets new connections
   * where nobody else is left.
   */
  readonly unwell?: true;
};

function isStopping({ state, unwell }: HeldContainer): boolean {
  return state === 'stopping' || unwell === true;
}

/**
 * A container that was sent its stop signal and is still listed as running after this long was not being stopped by
 * Swarm with its default grace of 10 s: someone sent it a signal that it survived. Where Swarm gives it more time, the
 * manager's claim is `released`, and what its node says of it makes no difference.
 */
const survivedUs = 30_000_000;

/** Whether what is offered is to be believed over what is held: a container only goes forward, and `dead` is final. */
function advances(held: HeldContainer | undefined, offered: HeldContainer, listed: boolean): boolean {
  if (!held) return true;
  if (held.state === 'dead' || offered.tick <= held.tick) return false;
  if (offered.state === 'dead' || offered.state === held.state) return true;
  if (isStopping(held)) return listed && offered.tick - held.tick > survivedUs;
  return offered.state !== 'starting';
}

/**
 * The containers of this node's tasks. What arrives is ordered by when it was asked or told, not by when the answer
 * came: an inspection begun at a start does not bring back a container that died meanwhile.
 */
export class ContainerLives {
  readonly #held = new Map<string, HeldContainer>();

  /** Takes an observation; answers it if it changes the container's state. */
  observe(offered: HeldContainer, listed = false): HeldContainer | undefined {
    const held = this.#held.get(offered.id);
    if (!advances(held, offered, listed)) return undefined;
    if (held && offered.state === 'stopping' && held.state !== 'running') {
      // Of a container being stopped the time that counts is the first signal's.
      if (!isStopping(held)) this.#held.set(offered.id, { ...held, tick: offered.tick, unwell: true });
      return undefined;
    }
    const same = held?.state === offered.state;
    // An event that repeats the state keeps the first one's time; a listing confirms the state as of its own.
    if (same && !listed) return undefined;
    if (same && isStopping(held)) return undefined;
    this.#held.set(offered.id, offered);
    return same ? undefined : offered;
  }

  get(id: string): HeldContainer | undefined {
    return this.#held.get(id);
  }

  hasTask(task: string): boolean {
    return this.all().some((held) => held.task === task);
  }

  all(): readonly HeldContainer[] {
    return [...this.#held.values()];
  }

  forget(id: string): void {
    this.#held.delete(id);
  }

  clear(): void {
    this.#held.clear();
  }
}
