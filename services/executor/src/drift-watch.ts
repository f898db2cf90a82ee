import { type Clock, every } from '@fairway/bus';
import type { Kernel, Namespace } from './kernel/kernel.ts';

type Options = {
  readonly kernel: Pick<Kernel, 'watchRules'>;
  readonly clock: Clock;
  /** Others may have changed something there. */
  readonly onSuspect: (namespace: Namespace) => void;
  /** It is time to look there, for nft told of a change. */
  readonly onChange: (namespace: Namespace) => void;
  /** It is time to look at all of them. */
  readonly onCheck: () => void;
};

/** Whoever loads a firewall anew does so in several steps. */
const gatherMs = 50;
/** A namespace that others change all the time is looked at no more often. */
const pauseMs = 500;
/** How often all are looked at: no event tells of virtual services of IPVS, routes and settings. */
const checkMs = 10_000;

type Watched = { readonly events: { close(): void }; lookedMs: number; cancel?: () => void };

/** Tells when namespaces are to be looked at for what others did: soon after nft tells of it, and every 10 s all of them. */
export class DriftWatch {
  readonly #options: Options;
  readonly #watched = new Map<Namespace, Watched>();
  readonly #endChecks: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#endChecks = every(options.clock, checkMs, () => {
      for (const namespace of this.#watched.keys()) options.onSuspect(namespace);
      options.onCheck();
    });
  }

  /** From now on, instead of the one that had the name before. */
  watch(namespace: Namespace): void {
    this.forget(namespace);
    const { kernel } = this.#options;
    const events = kernel.watchRules(namespace, () => this.#changed(namespace));
    this.#watched.set(namespace, { events, lookedMs: Number.NEGATIVE_INFINITY });
  }

  forget(namespace: Namespace): void {
    const watched = this.#watched.get(namespace);
    watched?.events.close();
    watched?.cancel?.();
    this.#watched.delete(namespace);
  }

  stop(): void {
    this.#endChecks();
    for (const namespace of [...this.#watched.keys()]) this.forget(namespace);
  }

  #changed(namespace: Namespace): void {
    const { clock, onSuspect, onChange } = this.#options;
    onSuspect(namespace);
    const watched = this.#watched.get(namespace);
    if (!watched || watched.cancel) return;
    const waitMs = Math.max(gatherMs, watched.lookedMs + pauseMs - clock.nowMs());
    watched.cancel = clock.after(waitMs, () => {
      delete watched.cancel;
      watched.lookedMs = clock.nowMs();
      onChange(namespace);
    });
  }
}
