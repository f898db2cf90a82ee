import { type Clock, every } from '@fairway/bus';
import { describe, type Log } from '@fairway/telemetry';
import type { Kernel } from './kernel/kernel.ts';

type Options = {
  readonly kernel: Pick<Kernel, 'ensureHost'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the node is left to Docker: the host is then left as it is. */
  readonly isOff: () => boolean;
};

/** How often it looks without being told to. */
const checkMs = 10_000;

/** Sees to it that the host leads packets to the ingress sandbox: by what others change too, and Docker as it starts. */
export class HostCheck {
  readonly #options: Options;
  readonly #end: () => void;
  /** What it was said to wait for. */
  #said = '';

  constructor(options: Options) {
    this.#options = options;
    this.#end = every(options.clock, checkMs, () => this.look());
    this.look();
  }

  /** Looks now, and puts right what is not as it should be. */
  look(): void {
    if (!this.#options.isOff()) void this.#ensure();
  }

  stop(): void {
    this.#end();
  }

  async #ensure(): Promise<void> {
    const { kernel, log } = this.#options;
    try {
      const { changed, waitingFor } = await kernel.ensureHost();
      if (changed.length > 0) log.info('the host was made to lead packets to the sandbox', { changed });
      const waits = waitingFor.join(', ');
      if (waits && waits !== this.#said) log.info('waiting for Docker', { waitingFor: waits });
      this.#said = waits;
    } catch (error) {
      log.error('the host does not lead packets to the sandbox; trying again', { reason: describe(error) });
    }
  }
}
