import { describe, type Log } from '@fairway/telemetry';
import { backoffMs, type Clock, pause } from './clock.ts';
import type { Docker } from './docker.ts';

type Options = {
  readonly docker: Pick<Docker, 'taskChanges'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Swarm decided something of one of the service's tasks. */
  readonly onService: (service: string) => void;
  /** It is watched again: what was decided meanwhile was missed. */
  readonly onGap: () => void;
};

const retryMinMs = 200;
const retryMaxMs = 10_000;

/** Hears what Swarm decides of tasks for as long as it may, from when it is made until it is stopped. */
export class TaskWatch {
  readonly #options: Options;
  readonly #end = new AbortController();
  #watching = false;
  /** Whether it was ever, and how often it was tried in vain since. */
  #wasWatching = false;
  #tries = 0;

  constructor(options: Options) {
    this.#options = options;
    void this.#run();
  }

  /** Whether it hears; where it does not, services have to be read again and again. */
  get watching(): boolean {
    return this.#watching;
  }

  stop(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        await this.#watch();
      } catch (error) {
        // Whatever it is: without it services are read more often, and nothing else changes.
        if (!signal.aborted && this.#tries === 0)
          log.warn('What Swarm decides of tasks cannot be watched; services are read more often until it can', {
            why: describe(error),
          });
      }
      this.#watching = false;
      await pause(clock, backoffMs(this.#tries++, retryMinMs, retryMaxMs), signal);
    }
  }

  async #watch(): Promise<void> {
    const { docker, onService } = this.#options;
    const { signal } = this.#end;
    const changes = await docker.taskChanges();
    const stop = () => changes.stop();
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const change of changes) {
        if (signal.aborted) return;
        if (change === 'watching') this.#begin();
        else onService(change.service);
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #begin(): void {
    if (this.#wasWatching) this.#options.onGap();
    this.#wasWatching = true;
    this.#watching = true;
    this.#tries = 0;
  }
}
