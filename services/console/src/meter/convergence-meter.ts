import type { Clock } from '@fairway/bus';
import { Histogram, type Registry } from 'prom-client';

/** What takes longer is told otherwise, as a node that lags, and is not counted. */
const longestMs = 60_000;
/** So many events are waited with at a time; beyond it the oldest are not counted. */
const waitingMax = 1_000;

type Decision = { readonly revision: number; readonly atMs: number; readonly heardMs?: number };

/**
 * How long an event takes to every node, by what the console hears and its own clock alone: other clocks are never compared.
 * So it has the bus's way to the console in it, and the quarter of a second for which a node gathers what it tells.
 */
export class ConvergenceMeter {
  readonly #seconds: Histogram<'stage'>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** When the fact of a trace was heard. */
  readonly #heardMs = new Map<string, number>();
  #decisions: readonly Decision[] = [];
  /** By node. */
  readonly #applied = new Map<string, number>();

  constructor(registry: Registry, clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
    this.#seconds = new Histogram({
      name: 'fairway_convergence_seconds',
      help: 'From an event to what follows, as the console hears of both: decided is from the fact to the change of the mesh, applied from there to the outcome of each node, total from the fact to that.',
      labelNames: ['stage'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60],
      registers: [registry],
    });
  }

  /** A fact was heard. */
  fact(trace: string | undefined): void {
    if (trace === undefined || this.#heardMs.has(trace)) return;
    this.#heardMs.set(trace, this.#clock.nowMs());
    for (const oldest of this.#heardMs.keys()) {
      if (this.#heardMs.size <= waitingMax) return;
      this.#heardMs.delete(oldest);
    }
  }

  /** The mesh has changed, by an event of this trace. */
  decided(revision: number, trace: string | undefined): void {
    const atMs = this.#clock.nowMs();
    const heardMs = trace === undefined ? undefined : this.#heardMs.get(trace);
    // Of several changes by one event each is one.
    if (heardMs !== undefined) this.#observe('decided', atMs - heardMs);
    const decision = { revision, atMs, ...(heardMs === undefined ? {} : { heardMs }) };
    this.#decisions = [...this.#decisions.filter((one) => atMs - one.atMs <= longestMs), decision].slice(-waitingMax);
  }

  /** A node says that it has all revisions up to this one in its kernel. */
  applied(node: string, to: number): void {
    const nowMs = this.#clock.nowMs();
    const before = this.#applied.get(node);
    this.#applied.set(node, to);
    // What it had already when the console began to listen, nobody knows.
    if (before === undefined) return;
    for (const { revision, atMs, heardMs } of this.#decisions) {
      if (revision <= before || revision > to) continue;
      this.#observe('applied', nowMs - atMs);
      if (heardMs !== undefined) this.#observe('total', nowMs - heardMs);
    }
  }

  /** The mesh begins anew: its revisions are others. */
  begin(): void {
    this.#decisions = [];
    this.#applied.clear();
  }

  #observe(stage: 'decided' | 'applied' | 'total', ms: number): void {
    if (ms <= longestMs) this.#seconds.observe({ stage }, ms / 1_000);
  }
}
