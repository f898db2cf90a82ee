import type { Clock } from './clock.ts';
import { Coalescer } from './coalescer.ts';

/** Why a service is read: what happened, for people. */
export type Ask = { readonly event: string };

/** What one reading of a service came to. Of one that is `gone` nothing more is to be expected. */
export type Round = { readonly state: 'settled' | 'unsettled' | 'gone'; readonly changed: boolean };

type Options = {
  readonly clock: Clock;
  /** Reads the service and tells what is new of it. */
  readonly read: (id: string, ask: Ask) => Promise<Round>;
  /** Whether what Swarm decides of tasks is heard of without a reading. */
  readonly isWatching: () => boolean;
  /** Whether to try again. */
  readonly onFailure: (error: unknown) => boolean;
};

/** The first round after an event comes this soon, each further one after twice the time. */
const roundFirstMs = 100;
const roundMaxMs = 2_000;
/**
 * Where nobody tells what Swarm decides of tasks, a service that is not settled is read this often: a task that is told to
 * stop has 2 s until its process is.
 */
const unwatchedMaxMs = 250;
/** This many rounds follow each event even where all seems settled: Swarm's orchestrator begins a moment later. */
const roundsMin = 4;
/** What is only a reason to look: a container was heard of, or a decision of Swarm's. */
export const hints = { container: 'container', decision: 'task change' } as const;

function isHint({ event }: Ask): boolean {
  return event === hints.container || event === hints.decision;
}

/** How many services are read at a time: a node that lists its containers speaks of all of its services at once. */
const readingsMax = 8;
/** A service that does not settle, and of which nothing new was seen for this long, is left to the full listings. */
const patienceUs = 120_000_000;

type Rounds = {
  readonly work: Coalescer<Ask>;
  /** Rounds since the last event. */
  since: number;
  changedUs: number;
  cancel?: () => void;
};

/**
 * Reads services when something happened to them, and again until they are settled: Swarm has no events for tasks. For
 * each service at most one reading is under way and one waits.
 */
export class ServiceRounds {
  readonly #options: Options;
  readonly #rounds = new Map<string, Rounds>();
  readonly #queue: (() => void)[] = [];
  #reading = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Something happened to the service: reads it now, and begins its rounds anew. */
  ask(id: string, ask: Ask): void {
    const rounds = this.#rounds.get(id) ?? this.#begin(id);
    rounds.since = 0;
    rounds.changedUs = this.#options.clock.tickUs();
    rounds.cancel?.();
    rounds.work.ask(ask);
  }

  stop(): void {
    for (const { work, cancel } of this.#rounds.values()) {
      cancel?.();
      work.stop();
    }
    this.#rounds.clear();
  }

  #begin(id: string): Rounds {
    const { clock, onFailure } = this.#options;
    const work = new Coalescer<Ask>({
      clock,
      work: (ask) => this.#read(id, ask),
      // Docker's word for what happened to the service says more than that a round was due.
      merge: (held, added) => (isHint(added) ? held : added),
      onFailure: (error) => onFailure(error),
    });
    const rounds: Rounds = { work, since: 0, changedUs: clock.tickUs() };
    this.#rounds.set(id, rounds);
    return rounds;
  }

  async #read(id: string, ask: Ask): Promise<void> {
    const { clock, read, isWatching } = this.#options;
    await this.#turn();
    const { state, changed } = await read(id, ask).finally(() => this.#pass());
    const rounds = this.#rounds.get(id);
    if (!rounds) return;
    if (changed) rounds.changedUs = clock.tickUs();
    rounds.cancel?.();
    const patient = clock.tickUs() - rounds.changedUs < patienceUs;
    const again = state === 'unsettled' ? patient || rounds.since < roundsMin : rounds.since < roundsMin;
    // Asked for during this reading, `since` is 0 again and a further reading is already due.
    if (!again || (state === 'gone' && rounds.since > 0)) {
      this.#rounds.delete(id);
      return;
    }
    const maxMs = state === 'unsettled' && !isWatching() ? unwatchedMaxMs : roundMaxMs;
    const delayMs = Math.min(maxMs, roundFirstMs * 2 ** rounds.since);
    rounds.since += 1;
    rounds.cancel = clock.after(delayMs, () => rounds.work.ask(ask));
  }

  async #turn(): Promise<void> {
    if (this.#reading < readingsMax) this.#reading += 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  #pass(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#reading -= 1;
  }
}
