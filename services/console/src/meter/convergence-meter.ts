import type { Clock } from '@fairway/bus';
import { Histogram, type Registry } from 'prom-client';

/** What takes longer is told as a node that lags, and is counted no more. */
const longestMs = 600_000;
/** So many events are waited with at a time; beyond it the oldest are not counted. */
const waitingMax = 1_000;

const stages = ['decided', 'applied', 'total'] as const;
type Decision = { readonly revision: number; readonly atMs: number; readonly heardMs?: number };

/**
 * How long an event takes to every node, by what the console hears and its own clock alone: other clocks are never compared.
 * So it has the bus's way to the console in it, and the quarter of a second for which a node gathers what it tells.
 */
export class ConvergenceMeter {
  readonly #seconds: Histogram<'stage'>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #epoch: string | undefined;
  /** When the fact of a trace was heard that has changed nothing yet. */
  readonly #heardMs = new Map<string, number>();
  #decisions: readonly Decision[] = [];
  /** The last revision of this epoch that each node said it has. */
  readonly #applied = new Map<string, number>();

  constructor(registry: Registry, clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
    this.#seconds = new Histogram({
      name: 'fairway_convergence_seconds',
      help: 'From an event to what follows, as the console hears of both: decided is from the fact to its first change of the mesh, applied from a change to the outcome of each node, total from the fact to the outcomes that its first change has.',
      labelNames: ['stage'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60],
      registers: [registry],
    });
    for (const stage of stages) this.#seconds.zero({ stage });
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

  /** The mesh has changed, by an event of this trace. Of those that it changes once more only the first is its own. */
  decided(revision: number, trace = ''): void {
    const atMs = this.#clock.nowMs();
    const heardMs = this.#heardMs.get(trace);
    this.#heardMs.delete(trace);
    if (heardMs !== undefined) this.#observe('decided', atMs - heardMs);
    const decision = { revision, atMs, ...(heardMs === undefined ? {} : { heardMs }) };
    const held = this.#decisions.filter((one) => atMs - one.atMs <= longestMs);
    this.#decisions = [...held, decision].slice(-waitingMax);
    // A node's word may come by a shorter way than the mesh's.
    for (const to of this.#applied.values()) if (to >= revision) this.#reached(decision);
  }

  /** A node says that it has all revisions of an epoch up to this one in its kernel. */
  applied(node: string, epoch: string, to: number): void {
    if (epoch !== this.#epoch) return;
    const before = this.#applied.get(node);
    this.#applied.set(node, Math.max(before ?? 0, to));
    // What it had already when the console began to listen, nobody knows.
    if (before === undefined) return;
    for (const decision of this.#decisions)
      if (decision.revision > before && decision.revision <= to) this.#reached(decision);
  }

  /** The mesh begins anew: its revisions are others. */
  begin(epoch: string): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#decisions = [];
    this.#applied.clear();
  }

  #reached({ atMs, heardMs }: Decision): void {
    const nowMs = this.#clock.nowMs();
    this.#observe('applied', nowMs - atMs);
    if (heardMs !== undefined) this.#observe('total', nowMs - heardMs);
  }

  #observe(stage: (typeof stages)[number], ms: number): void {
    this.#seconds.observe({ stage }, ms / 1_000);
  }
}
