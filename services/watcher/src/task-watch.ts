import { describe, type Log } from '@fairway/telemetry';
import { backoffMs, type Clock, pause } from './clock.ts';
import { type Docker, DockerUnavailable } from './docker.ts';

type Options = {
  readonly docker: Pick<Docker, 'taskChanges'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Swarm decided something of one of the service's tasks. */
  readonly onService: (service: string) => void;
  /** Something may have been missed. */
  readonly onGap: () => void;
};

const retryMaxMs = 10_000;

/** Hears what Swarm decides of tasks for as long as it may, from when it is made until it is stopped. */
export class TaskWatch {
  readonly #options: Options;
  readonly #end = new AbortController();
  #watching = false;

  constructor(options: Options) {
    this.#options = options;
    void this.#run();
  }

  /** Whether it hears; where it does not, services have to be listed again and again. */
  get watching(): boolean {
    return this.#watching;
  }

  stop(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    const { clock, log, onGap } = this.#options;
    const { signal } = this.#end;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const heardOf = { any: false };
      try {
        await this.#watch(heardOf);
      } catch (error) {
        if (!(error instanceof DockerUnavailable)) throw error;
        if (heardOf.any) attempt = 0;
        if (attempt === 0)
          log.warn('What Swarm decides of tasks cannot be watched; services are listed more often instead', {
            why: describe(error),
          });
      }
      this.#watching = false;
      if (heardOf.any) onGap();
      await pause(clock, backoffMs(attempt, 200, retryMaxMs), signal);
    }
  }

  async #watch(heardOf: { any: boolean }): Promise<void> {
    const { docker, onService } = this.#options;
    const { signal } = this.#end;
    const changes = await docker.taskChanges();
    if (signal.aborted) return changes.stop();
    const stop = () => changes.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      this.#watching = true;
      for await (const { service } of changes) {
        if (signal.aborted) return;
        heardOf.any = true;
        onService(service);
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
