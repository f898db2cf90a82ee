import { describe, type Log } from '@fairway/telemetry';
import type { Kernel } from './kernel/kernel.ts';

type Options = {
  readonly kernel: Pick<Kernel, 'ensureHost'>;
  readonly log: Log;
  /** Whether the node is left to Docker: the host is then left as it is. */
  readonly isOff: () => boolean;
  /** Told what others did, which is right again: the host was as it should be before. */
  readonly onRepaired: (found: readonly string[]) => void;
};

/** Sees to it that the host leads packets to the ingress sandbox, whatever others change there, and Docker as it starts. */
export class HostCheck {
  readonly #options: Options;
  #wasRight = false;
  /** Raised by each `forget`: what was under way then says nothing. */
  #life = 0;
  #last: Promise<void> = Promise.resolve();
  #isWaiting = false;
  /** What it was said to wait for. */
  #said = '';

  constructor(options: Options) {
    this.#options = options;
  }

  /** What Fairway has there was taken away by itself. */
  forget(): void {
    this.#wasRight = false;
    this.#life += 1;
  }

  /** Looks, after the look that goes on, and puts right what is not as it should be. What could not be done is done at the next one. */
  look(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#last = this.#last.then(() => {
      this.#isWaiting = false;
      return this.#look();
    });
  }

  async #look(): Promise<void> {
    const { kernel, log, isOff, onRepaired } = this.#options;
    if (isOff()) return;
    const life = this.#life;
    try {
      const { changed, waitingFor } = await kernel.ensureHost();
      if (changed.length > 0 && this.#wasRight && life === this.#life) onRepaired(changed);
      else if (changed.length > 0) log.info('the host was made to lead packets to the sandbox', { changed });
      const waits = waitingFor.join(', ');
      if (waits && waits !== this.#said) log.info('waiting for Docker', { waitingFor: waits });
      this.#said = waits;
      if (life === this.#life) this.#wasRight ||= waits === '';
    } catch (error) {
      log.error('the host does not lead packets to the sandbox; trying again', { reason: describe(error) });
    }
  }
}
