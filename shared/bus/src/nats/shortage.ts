import type { BusLog } from './connection.ts';

/** So long a cluster has time to come together before what is missing is made on one server alone, ms. */
const shortMsMax = 20_000;

/** Tried: decision 0011. */
const remedy =
  "Start the nats-server that is not among meta_cluster.replicas in its leader's /jsz; where it runs, start it anew, and have 2.15.1 or later";

/**
 * Fewer servers than there are to be replicas. Of three servers one may be away when the bus is made, and of 2.10.27 that
 * begin with empty disks at once one may be left out (decision 0011): the others refuse all that is to be kept three times,
 * for as long as it is so. A mesh that is kept once is better than none: it is rebuilt from Docker's listing, and kept three
 * times as soon as the servers take it.
 */
export class Shortage {
  readonly #nowMs: () => number;
  readonly #log: BusLog | undefined;
  #sinceMs: number | undefined;

  constructor(log: BusLog | undefined, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** A stream was refused for want of servers; answers whether that has lasted for so long that one has to do. */
  lasts(stream: string): boolean {
    this.#sinceMs ??= this.#nowMs();
    const lasts = this.#nowMs() - this.#sinceMs >= shortMsMax;
    if (lasts) this.#log?.warn(`bus: too few servers take part; ${stream} is kept on one alone. ${remedy}`);
    return lasts;
  }

  /** A stream was taken with all its replicas. */
  end(): void {
    this.#sinceMs = undefined;
  }
}
